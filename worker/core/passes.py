"""Values of a pass: what it knows of a host, what it says, what it does; all frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core.domain import (
    Holder,
    HostView,
    LoadRecord,
    ModelInfo,
    Resident,
    Tag,
    TouchRecord,
    Unanswered,
)


class Kind(StrEnum):
    """What an event is about; each is counted."""

    CHANGED = "changed"
    """A target's condition, for a reason that is no kind of its own."""
    LAPSED = "lapsed"
    """Its time ran out."""
    EVICTED = "evicted"
    """Another model took its room."""
    RELOADED = "reloaded"
    """Somebody loaded it with other options."""
    UNLOADED = "unloaded"
    """It went before its time, and nothing came."""
    RESTARTED = "restarted"
    """The server began anew."""
    SHORT = "short"
    """Its keep-alive is too short to be held."""
    CRASHED = "crashed"
    """A touch of a load of ours had to load it again: its runner was dead."""
    RELOADED_BY_TOUCH = "reloaded_by_touch"
    """A touch loaded it again: it had been loaded with options that nobody sees."""
    WEDGED = "wedged"
    """Every load of the host hangs."""
    CURED = "cured"
    """A resident was let go to free a wedged host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evictor:
    """A model that came to a host as another one went."""

    model: str
    """As the host lists it."""
    is_ours: bool
    """Whether a load of ours made it come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a target, or to its host."""

    at: float
    """By the store's clock, Unix seconds."""
    host: str
    model: str
    """As the warm list writes it; a resident's name if nobody declared it."""
    kind: Kind
    before: Condition | None = None
    after: Condition | None = None
    why: str = ""
    evictors: tuple[Evictor, ...] = ()
    """Of an eviction: all that came between two looks, as each may have taken the
    room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a deployment decides about passes."""

    tick_s: float = 10.0
    """Between two passes."""
    enabled: bool = True
    """Whether passes act."""
    cures_targets: bool = True
    """Whether a target of ours may be let go to free a wedged host."""
    cures_others: bool = False
    """If there is none of ours, another resident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that one pass knows of one host at one instant."""

    view: HostView | Unanswered
    tags: Mapping[str, Tag] | None = None
    """What the host has, by normal name; None = it did not tell."""
    infos: Mapping[str, ModelInfo] = field(default_factory=dict)
    """Of targets and residents, by normal name, as far as the host told."""
    records: Mapping[str, LoadRecord] = field(default_factory=dict)
    """By target's key."""
    touches: Mapping[str, TouchRecord] = field(default_factory=dict)
    """By target's key."""
    holder: Holder | None = None
    """Who has the lane."""
    sent: str | None = None
    """The key of the target whose load is sent, and not begun."""
    unloaded: Mapping[str, float] = field(default_factory=dict)
    """When we unloaded residents, by digest; by the store's clock, whole seconds."""
    pulling: frozenset[str] = frozenset()
    """Keys of targets that are being pulled."""
    paused: frozenset[str] = frozenset()
    """Names of `worker.core.pauses`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """Load a target."""

    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Restart the timer of a resident target."""

    target: Target
    digest: str
    """Of the resident that is meant."""
    num_ctx: int | None
    """Sent instead of the target's own; None = the target's options as they are."""
    left_s: float
    """Until its timer runs out, seconds; infinite = it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """Download a target's model."""

    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """Let a resident go, so that a wedged host loads again."""

    host: str
    resident: str
    """Its name, as listed."""


Action = Warm | Touch | Pull | Cure


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a pass says of one target."""

    target: Target
    condition: Condition
    why: str = ""
    resident: Resident | None = None
    left_s: float | None = None
    """Of the resident; infinite = no timer, negative = busy."""
    wanted_context: int | None = None
    is_ready: bool = False
    """Whether a caller would meet it loaded with the wanted context."""
    expected_s: float | None = None
    elapsed_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a pass says of a host, and does."""

    verdicts: tuple[Verdict, ...] = ()
    """In order of priority."""
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    """Of the host as a whole."""
