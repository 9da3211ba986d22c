"""What the last pass saw: the worker writes it, everybody who looks reads it.

In Redis, a hash `<namespace>:report` with one field a host, this module's JSON.
Instants are Unix seconds by Redis' clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter


class Condition(StrEnum):
    """Of a target, as a pass sees it."""

    COLD = "cold"
    """Not loaded, and nothing is under way."""
    QUEUED = "queued"
    """Its load is sent, or waits for the load of another target of its host."""
    LOADING = "loading"
    WARM = "warm"
    DRIFTED = "drifted"
    """Loaded otherwise than wanted, by somebody else; reported, never fought."""
    CONTESTED = "contested"
    """Somebody else's model takes its room again and again."""
    FAILING = "failing"
    """Its loads fail."""
    UNFIT = "unfit"
    """It cannot be warm beside a target of higher priority."""
    UNKNOWN = "unknown"
    """Its host did not answer."""
    ASLEEP = "asleep"
    """Paused."""


class HostState(StrEnum):
    """Of a host, as a pass sees it."""

    UP = "up"
    UNKNOWN = "unknown"
    """It gave no answer this time."""
    DOWN = "down"
    """It refused three connections in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReport:
    """One target as the last pass saw it."""

    model: str
    """As it is written in the warm list, without its options."""
    wanted: str
    """The request that means it: model, options and keep-alive as text."""
    condition: Condition
    since: float
    """When this condition began."""
    why: str = ""
    """A sentence for people; may be empty."""
    is_ready: bool = False
    """Whether a caller would meet it loaded with the wanted context."""
    priority: int = 0
    critical: bool = False
    context_length: int | None = None
    """As loaded, tokens; None = not loaded, or not shown."""
    wanted_context: int | None = None
    """None = any."""
    left_s: float | None = None
    """Until it goes, seconds; negative = busy; None = not loaded, or no timer."""
    is_forever: bool = False
    """Whether it is loaded without a timer."""
    expected_s: float | None = None
    """How long its load takes, from its own history; None = unknown."""
    elapsed_s: float | None = None
    """Since its load began."""
    weights: str = ""
    """By which the seconds of its loads are kept; empty = the host did not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherReport:
    """A resident that nobody declared."""

    model: str
    context_length: int | None
    left_s: float | None
    """As of a target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """One host as the last pass saw it."""

    host: str
    url: str
    """Without its login."""
    at: float
    """When it was looked at."""
    tick_s: float
    enabled: bool
    state: HostState
    problem: str | None = None
    """Why the host gave no answer."""
    warm_list_problem: str | None = None
    """Why a changed warm list is not taken up."""
    targets: tuple[TargetReport, ...] = ()
    """In order of priority."""
    others: tuple[OtherReport, ...] = ()


_HOST = TypeAdapter(HostReport)


def key(namespace: str) -> str:
    """Of the hash in Redis."""
    return f"{namespace}:report"


def dump(report: HostReport) -> str:
    """As JSON."""
    return _HOST.dump_json(report).decode()


def load(text: str | bytes) -> HostReport:
    """From JSON; raises `ValueError` for what another version wrote."""
    return _HOST.validate_json(text)
