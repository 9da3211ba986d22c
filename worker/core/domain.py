"""Values that pass between adapters, decisions and tasks; all frozen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FOREVER = timedelta(days=20 * 365)
"""More time left than this is no timer (source: Ollama format/time.go)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A model that a view lists."""

    name: str
    """The name under which it was loaded first; aliases hide behind it."""
    digest: str
    """Of the manifest, as `/api/tags` shows it."""
    context_length: int | None
    """Effective context of a slot, tokens; None on servers before 0.10."""
    size_bytes: int
    size_vram_bytes: int
    """0 = on the CPU alone."""
    expires_at: datetime
    """By the host's own clock; stale, even past, while the model is busy."""

    @property
    def vram_fraction(self) -> float:
        """The part of it in video memory, 0 to 1."""
        if self.size_bytes <= 0:
            return 0.0
        return round(self.size_vram_bytes / self.size_bytes, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """What one host answered to `/api/ps` at one instant."""

    residents: tuple[Resident, ...]
    observed_at: datetime
    """By the host's own clock: the answer's Date header, whole seconds."""

    def left(self, resident: Resident) -> timedelta:
        """Time until the resident goes; negative = it is busy."""
        return resident.expires_at - self.observed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What `/api/show` tells of a model."""

    capabilities: frozenset[str]
    """Such as completion, embedding, vision; empty on servers before 0.6.4."""
    training_context: int | None
    """Tokens; a larger `num_ctx` is clipped to it."""
    modelfile_num_ctx: int | None
    """`PARAMETER num_ctx` of its Modelfile, tokens."""
    blob: str | None
    """`sha256-…` of its weights: models with equal blobs share one runner."""
    is_remote: bool
    """Whether it stands for a model in Ollama's cloud."""

    @property
    def is_embedding_only(self) -> bool:
        """Whether it answers `/api/embed` and no `/api/generate`."""
        return "embedding" in self.capabilities and (
            "completion" not in self.capabilities
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Ollama tells of the one-token inference."""

    load_s: float
    """Until the runner was handed over: queueing, evictions and the load."""
    total_s: float


class How(StrEnum):
    """How a warm-up ended well."""

    LOADED = "loaded"
    ALREADY_WARM = "already_warm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A warm-up that ended well, verified against a view."""

    how: How
    resident: Resident
    left: timedelta
    """Time until it goes, when it was verified; negative = it is busy."""
    load_s: float
    """Seconds that Ollama spent on the load; 0 if there was none."""
    reloaded_from: int | None = None
    """The context it was loaded with before, tokens, if this call changed it."""
