"""Values that pass between adapters, decisions and tasks; all frozen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FOREVER = timedelta(days=20 * 365)
"""More time left than this is no timer (source: Ollama format/time.go)."""
LEASE_S = 15.0
"""A lease that is not renewed ends after so many seconds."""
RENEW_S = 5.0
"""Between two renewals of a lease, seconds."""


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
class Unanswered:
    """Why a host gave no view."""

    text: str
    is_refused: bool = False
    """Whether nobody listens there; else it was too slow, or answered nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A model that a host has, as `/api/tags` tells."""

    digest: str
    """Of its manifest."""
    size_bytes: int


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
    path: str | None = None
    """Of these weights' file, as the host itself sees it."""
    quantization: str = ""
    """How its weights are stored, such as Q4_K_M; empty = the host does not say."""

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
    """This call began the load."""
    JOINED = "joined"
    """This call waited for a load that another one began."""
    ALREADY_WARM = "already_warm"
    """There was nothing to do."""
    DRIFTED = "drifted"
    """It is loaded with other options; a gentle call leaves it so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmth:
    """A model that was seen warm: who it is, and what making it so took."""

    resident: Resident
    left: timedelta
    """Time until it goes, when it was seen; negative = it is busy."""
    load_s: float = 0.0
    """Seconds that Ollama spent on the load; 0 if there was none."""
    reloaded_from: int | None = None
    """The context it was loaded with before, tokens, if this load changed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended well."""

    how: How
    warmth: Warmth
    attempts: int
    """Loads that were begun for it, from its first failure on; 0 = none."""
    options_verified: bool
    """Whether every runner option asked for is proven; not on servers before 0.10,
    which show no context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lane, and with which load; the lease's value."""

    nonce: str
    """Tells this load from any other."""
    key: str
    """The target's key."""
    task_id: str
    """The task that began it; for people and for its own answer."""
    process: str
    """`node:pid`, for people."""
    began_at: float
    """By the store's clock, Unix seconds."""
    expected_s: float | None
    """From this target's own history; None = it has none."""
    late_s: float | None = None
    """After so many seconds something is wrong with its host; None = never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRecord:
    """How the last load of a target ended; all callers are answered from it."""

    task_id: str
    """The task that began the load."""
    attempt: int
    """Which load it was since the last success or final failure, >= 1."""
    ended_at: float
    """By the store's clock, Unix seconds."""
    load_s: float = 0.0
    reloaded_from: int | None = None
    digest: str = ""
    """Of the resident that it made."""
    context_length: int | None = None
    """As that resident showed it."""
    left_s: float | None = None
    """The resident's time right after the load: its window, if not negative."""
    error: str | None = None
    """Class of our error; None = the model was warm."""
    text: str = ""
    is_final: bool = False
    """Whether all who wait get this error: nobody will try again for them."""
    strikes: int = 0
    """Final failures in a row, this one included."""
    blocked_until: float = 0.0
    """Until then nobody loads; by the store's clock, Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchRecord:
    """How the last touch of a target ended."""

    at: float
    """When it was answered; by the store's clock, Unix seconds."""
    digest: str
    """Of the resident that was touched."""
    context_length: int | None = None
    """Afterwards."""
    left_s: float | None = None
    """Afterwards: its window. None = its timer did not move, somebody is using it."""
    was_load: bool = False
    """Whether the touch loaded the model: its runner had other options, or was dead."""
    was_ours: bool = False
    """Whether it was sent to a residency that a load of ours had made."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a download is."""

    status: str = ""
    """In Ollama's words, such as `pulling 6a0746a1ec1a`; empty = nothing was said."""
    completed_bytes: int = 0
    total_bytes: int = 0
    """Of the parts that were named so far: it grows while they are."""

    @property
    def is_finishing(self) -> bool:
        """Whether all is there and the host checks it, without a word meanwhile."""
        return bool(self.status) and not self.status.startswith("pulling")
