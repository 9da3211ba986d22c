"""Why residents went. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ollama_warmup.durations import format_short
from ollama_warmup.errors import LoadFailed
from ollama_warmup.target import Target
from worker.core.domain import HostView, Resident
from worker.core.passes import Evictor, Kind, Rules, Seen
from worker.core.stays import MOVED_S, Stay

KEEP_ALIVE = "its keep-alive"
"""What takes a room that is not held: no model, but a timer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Why a residency ended."""

    kind: Kind
    why: str
    by: str = ""
    """The first of `evictors`, or `KEEP_ALIVE`."""
    is_ours: bool = False
    """Whether a load of ours made the first of `evictors` come."""
    evictors: tuple[Evictor, ...] = ()
    """All models that came instead, the foreign ones first."""
    is_sudden: bool = False
    """Whether nothing shows why it went: somebody's load may be under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A host from one view to the next."""

    before: Mapping[str, Stay]
    after: Mapping[str, Stay]
    seen: Seen
    view: HostView
    targets: Sequence[Target]
    serves: Mapping[str, str]
    """Digests of the residents that serve targets now, by key."""
    looked_at: float
    """When the view before was; by the store's clock, 0 = there was none."""
    restarted: bool
    """Whether the server refused a connection in between."""
    has_strangers: bool
    """Whether others than we load models there."""

    @property
    def came(self) -> list[Stay]:
        """What was not there before, or not with this context."""
        return [
            stay
            for digest, stay in self.after.items()
            if (old := self.before.get(digest)) is None
            or old.context_length != stay.context_length
        ]

    @property
    def strangers(self) -> list[Stay]:
        """What came, and no load of ours made it."""
        return [stay for stay in self.came if not self.is_ours(stay)]

    def is_unloaded(self, stay: Stay) -> bool:
        """Whether we unloaded it, and no application has used it since.

        Ollama lets a model that works go after its work.
        """
        at = self.seen.unloaded.get(stay.digest)
        return at is not None and (stay.used_at <= at or stay.is_busy or stay.is_doomed)

    def is_ours(self, stay: Stay) -> bool:
        """Whether a load of ours made it, or has just done so."""
        return stay.ours is not None or stay.name in self.loading

    @property
    def loading(self) -> frozenset[str]:
        """The name under which our load in flight is listed, if there is one."""
        key = self.seen.holder.key if self.seen.holder else None
        return frozenset(t.name.short for t in self.targets if t.key == key)

    @property
    def listed(self) -> frozenset[str]:
        """The names of all residents, that of our load in flight included."""
        return self.loading.union(stay.name for stay in self.after.values())

    @property
    def undone(self) -> frozenset[str]:
        """Keys of targets whose load did well, only to be unloaded at once."""
        return frozenset(
            key
            for key, record in self.seen.records.items()
            if record.error == LoadFailed.__name__
            and record.ended_at >= self.looked_at > 0
        )

    @property
    def evictors(self) -> tuple[Evictor, ...]:
        """All models that came instead; else the target whose load is under way.

        A foreign model stands before one of ours: to blame it wrongly does less harm.
        """
        new = [s for s in self.came if s.digest not in self.before]
        came = [Evictor(model=s.name, is_ours=self.is_ours(s)) for s in new]
        came.sort(key=lambda evictor: evictor.is_ours)
        loading = (Evictor(model=name, is_ours=True) for name in self.loading)
        return tuple(came or loading)


def of(change: Change, *, rules: Rules) -> dict[str, Departure]:
    """Why each residency of the last view ended that is not in this one, by digest.

    (1) Still listed with another context: reloaded.
    (2) We have just unloaded it.
    (3) The server refused a connection meanwhile, or several others went at once and
        nothing is left: it began anew.
    (4) Its time had run out: lapsed.
    (5) Another came, or a load of ours is under way: evicted by it; or loaded again,
        if that is its own.
    (6) Otherwise it was unloaded, or makes room for a load that no view shows.
    """
    now = {r.digest: r for r in change.view.residents}
    host_s = change.view.observed_at.timestamp()
    gone = [
        stay
        for digest, stay in change.before.items()
        if digest not in now and not change.is_unloaded(stay)
    ]
    has_lapsed = any(_is_over(stay, host_s) for stay in gone)
    restarted = change.restarted or (len(gone) > 1 and not now and not has_lapsed)
    left: dict[str, Departure] = {}
    for digest, stay in change.before.items():
        resident = now.get(digest)
        if resident is None:
            left[digest] = _gone(stay, change, rules=rules, restarted=restarted)
        elif resident.context_length != stay.context_length:  # (1)
            left[digest] = _reloaded(stay, resident)
    return left


def _gone(stay: Stay, change: Change, *, rules: Rules, restarted: bool) -> Departure:
    """(2) to (6): why a residency ended that no view lists any more."""
    evictors = change.evictors
    if change.is_unloaded(stay):  # (2)
        return Departure(kind=Kind.UNLOADED, why="we unloaded it")
    if restarted:  # (3)
        return Departure(kind=Kind.RESTARTED, why="the server was started again")
    if _is_over(stay, change.view.observed_at.timestamp()):  # (4)
        return _lapsed(stay, rules)
    if evictors and evictors[0].model == stay.name:  # (5)
        return Departure(kind=Kind.RELOADED, why="it is being loaded again")
    if evictors:
        return Departure(
            kind=Kind.EVICTED,
            why=evicted_by(evictors),
            by=evictors[0].model,
            is_ours=evictors[0].is_ours,
            evictors=evictors,
        )
    return Departure(  # (6)
        kind=Kind.UNLOADED,
        why="it went before its time: by hand, to make room, or by a restart",
        is_sudden=bool(change.view.residents) or change.has_strangers,
    )


def evicted_by(evictors: Sequence[Evictor]) -> str:
    """In words for people which model, or which of several, took the room of one."""
    if [evictor.is_ours for evictor in evictors] == [True]:
        return f"our load of {evictors[0].model} evicted it"
    names = [f"our load of {e.model}" if e.is_ours else e.model for e in evictors]
    return f"evicted by {' or '.join(names)}"


def _is_over(stay: Stay, host_s: float) -> bool:
    """Whether its timer had run out when it was gone, as far as is known.

    A busy one's timer begins at the end of its work; a doomed one's says nothing.
    """
    if stay.is_doomed:
        return False
    if stay.is_busy:
        return stay.window_s is not None and stay.seen_at + stay.window_s <= host_s
    return stay.expires_at - MOVED_S <= host_s


def _lapsed(stay: Stay, rules: Rules) -> Departure:
    window = f" of {format_short(stay.window_s)}" if stay.window_s else ""
    because = "; not touched, as a touch had reloaded it" if stay.is_untouchable else ""
    return Departure(
        kind=Kind.LAPSED,
        why=f"its keep-alive{window} ran out{because}",
        by=KEEP_ALIVE if stay.is_short(rules.tick_s) else "",
    )


def _reloaded(stay: Stay, resident: Resident) -> Departure:
    return Departure(
        kind=Kind.RELOADED,
        why=f"loaded again with context {resident.context_length} instead of "
        f"{stay.context_length}",
    )
