"""Models: weights, what lies over them, and how a name shows them."""

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.simulator.physics.names import Name

BLOBS = "/root/.ollama/models/blobs"
"""Where the server that is simulated would keep its blobs."""

MANIFESTS = "/root/.ollama/models/manifests"
"""And what its names stand for."""


class Capability(enum.StrEnum):
    """What a model can do, in the order in which Ollama lists it."""

    COMPLETION = "completion"
    EMBEDDING = "embedding"
    VISION = "vision"
    TOOLS = "tools"
    INSERT = "insert"
    THINKING = "thinking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One model blob: models that share it share a runner."""

    digest: str
    """sha256, 64 hexadecimal digits; also breaks ties between eviction victims."""
    size_bytes: int
    load_s: float
    token_s: float
    """Seconds a token, and for reading the prompt once the runner is warm."""
    train_context: int
    family: str
    parameter_size: str
    embedding_length: int
    capabilities: tuple[Capability, ...]
    answer_tokens: int = 0
    """After so many an answer without a limit ends by itself; 0 is never."""
    unload_s: float = 0.0
    """How long the next load waits for the memory to come free."""
    pull_s: float | None = None
    """How long their download takes; None is that they are there from the start."""

    @property
    def path(self) -> str:
        """The blob's path on the server, the key of its runner.

        Source: `server/sched.go`, schedulerModelKey.
        """
        return f"{BLOBS}/sha256-{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where a cloud stub's model really runs."""

    host: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name for weights, with the parameters of its Modelfile."""

    name: Name
    weights: Weights
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Modelfile parameters as JSON has them: every number is a float."""
    system: str = ""
    remote: Remote | None = None
    modified_at: float = 0.0

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What the weights can do."""
        return self.weights.capabilities

    @property
    def family(self) -> str:
        """The architecture."""
        return self.weights.family

    @property
    def digest(self) -> str:
        """The manifest's sha256: equal for copies, not for other parameters."""
        layers = [
            self.weights.digest,
            dict(self.parameters),
            self.system,
            self.remote.model if self.remote else "",
        ]
        return sha256(json.dumps(layers, sort_keys=True, default=str))


def sha256(text: str) -> str:
    """Hash a text into 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
