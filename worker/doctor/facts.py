"""What `doctor` knows when it judges; all frozen, nothing of it interpreted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ollama_warmup.report import HostReport, TargetReport
from ollama_warmup.target import Target
from worker.adapters.broker import Broker
from worker.adapters.nodes import Nodes
from worker.core import residency
from worker.core.domain import HostView, LoadRecord, ModelInfo, Resident, Tag
from worker.core.passes import Event


class Reach(StrEnum):
    """What became of the questions to a host."""

    ANSWERS = "answers"
    REFUSED = "refused"
    """Nobody listens there."""
    UNREACHABLE = "unreachable"
    """No address, no way, or no TLS."""
    MUTE = "mute"
    """It took too long."""
    LOCKED = "locked"
    """It answers 401 or 403, or its token is missing."""
    STRANGE = "strange"
    """It answers as no Ollama does."""
    FAILS = "fails"
    """It answers with another failure."""
    UNASKED = "unasked"
    """Time ran out before it could tell; says nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How fast the weights of a model came from their disk."""

    model: str
    size_bytes: int
    """Of its weights."""
    read_bytes: int = 0
    read_s: float = 0.0
    problem: str = ""
    """Why nothing was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """One host, as far as it answered."""

    name: str
    url: str
    """Without its login."""
    reach: Reach
    is_local: bool = False
    """Whether it is this machine."""
    memory_bytes: int | None = None
    """Of its machine; None = nobody can tell from here."""
    text: str = ""
    """Why it did not answer, or not all."""
    targets: tuple[Target, ...] = ()
    version: str | None = None
    skew_s: float | None = None
    """How far its clock is ahead of this machine's, within a second."""
    view: HostView | None = None
    tags: Mapping[str, Tag] | None = None
    infos: Mapping[str, ModelInfo] = field(default_factory=dict)
    """By normal name."""
    storage: Storage | None = None

    @property
    def residents(self) -> tuple[Resident, ...]:
        """What it has loaded, as far as it said."""
        return self.view.residents if self.view else ()

    def tag(self, target: Target) -> Tag | None:
        """The target's model on its disk."""
        return (self.tags or {}).get(target.name.normal)

    def info(self, target: Target) -> ModelInfo | None:
        """What it tells of the target's model."""
        return self.infos.get(target.name.normal)

    def resident(self, target: Target) -> Resident | None:
        """What serves the target's model, with whatever options."""
        tag, info = self.tag(target), self.info(target)
        return (
            residency.by_name(target.name, self.residents)
            or residency.by_digest(tag.digest if tag else None, self.residents)
            or residency.by_blob(
                info.blob if info else None, self.residents, self.infos
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What passes and workers keep in Redis."""

    now: float
    """By Redis' clock, Unix seconds."""
    reports: Mapping[str, HostReport] = field(default_factory=dict)
    """By host."""
    events: tuple[Event, ...] = ()
    """Of the last day, the newest first."""
    histories: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    """Seconds of the last loads, newest first, by host and target's key."""
    failures: Mapping[tuple[str, str], LoadRecord] = field(default_factory=dict)
    """Loads that failed last, by host and target's key."""
    paused: frozenset[str] = frozenset()
    problem: str = ""
    """Why reports cannot be read."""

    def report(self, target: Target) -> TargetReport | None:
        """What the last pass saw of a target."""
        host = self.reports.get(target.host)
        for told in host.targets if host else ():
            if residency.normal(told.model) == target.name.normal:
                return told
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known; None = it could not be asked."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of this process that somebody reads; no secrets."""
    settings_problem: str = ""
    list_problem: str = ""
    """Why the warm list cannot be read."""
    sentences: tuple[str, ...] = ()
    """What is set in this environment without effect, or lacks what it needs."""
    is_theirs: bool = False
    """Whether hosts and targets are those of the last reports, as this environment
    declares none."""
    tick_s: float = 10.0
    redis_at: str = ""
    """Where Redis is, without its login."""
    is_redis_local: bool = False
    has_password: bool = False
    redis_problem: str = ""
    """Why it does not answer."""
    is_login_refused: bool = False
    redis: Broker | None = None
    redis_skew_s: float = 0.0
    """How far its clock is ahead of this machine's."""
    nodes: Nodes | None = None
    shared: Shared | None = None
    hosts: tuple[HostFacts, ...] = ()

    def wanted(self) -> Iterator[tuple[HostFacts, Target]]:
        """Every target, with its host."""
        for host in self.hosts:
            for target in host.targets:
                yield host, target


def named(target: Target) -> str:
    """A target as findings name it."""
    return f"{target.model} on {target.host}"


def often(times: int) -> str:
    """A number of times, >= 1."""
    return "once" if times == 1 else f"{times} times"
