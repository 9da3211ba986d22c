"""What `/status` answers; its OpenAPI description is made from these.

Instants are Unix seconds by Redis' clock, of which `Status.now` tells the time.
"""

from dataclasses import dataclass

from ollama_warmup.report import Condition, HostState
from worker.core.passes import Evictor, Kind
from worker.web.timeline import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """How long the loads of a target took: its last 32 at most."""

    last_s: float
    median_s: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event."""

    at: float
    host: str
    model: str
    kind: Kind
    before: Condition | None
    after: Condition | None
    why: str
    evictors: tuple[Evictor, ...]
    """Of an eviction: each of them may have taken the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStatus:
    """One target."""

    model: str
    wanted: str
    """The request that means it: model, options and keep-alive as text."""
    condition: Condition
    since: float
    """When this condition began."""
    why: str
    is_ready: bool
    critical: bool
    priority: int
    context_length: int | None
    wanted_context: int | None
    goes_at: float | None
    """When its timer runs out; None = not loaded, in use, or no timer."""
    is_busy: bool
    is_forever: bool
    expected_s: float | None
    """Of a load: how long it takes, by its history; None = unknown."""
    loads: Loads | None
    last_event: Happened | None
    """But for the steps to a load, which `condition` tells."""
    timeline: list[Step]
    """From when on it was in which condition; null = nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherStatus:
    """A resident that nobody declared."""

    model: str
    context_length: int | None
    goes_at: float | None
    is_busy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """One host, with those of its targets that are shown."""

    host: str
    url: str
    at: float
    """When it was looked at last."""
    is_old: bool
    """Whether another look should have followed long ago."""
    state: HostState
    problem: str
    """Why it gave no answer; empty = it did."""
    is_paused: bool
    targets: list[TargetStatus]
    left_out: int
    """Targets of it that are meant and not shown."""
    others: list[OtherStatus]
    """At most 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Something that passes leave alone."""

    name: str
    """To resume it by."""
    shown: str
    """As people write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All that the status page shows."""

    now: float
    observed_at: float | None
    """When a pass looked last at any host; None = never."""
    is_observed: bool
    """Whether any host was looked at lately."""
    notices: list[str]
    """What a person should know, the most important first."""
    counts: dict[Condition, int]
    """All targets by condition, meant or not; only those that there are."""
    ready: int
    total: int
    hosts_total: int
    found: int
    """Targets that are meant by what is looked for."""
    shown: int
    paused: list[Paused]
    """At most 50."""
    window_s: float
    """How far timelines reach back from `now`."""
    hosts: list[HostStatus]
    """Those with a problem first, then by name."""
    events: list[Happened]
    """The last 12 that are meant, the newest first; a load by its end alone."""
