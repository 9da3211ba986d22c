"""Why residents went, and who lost room to whom. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ollama_warmup.durations import format_short
from ollama_warmup.target import Target
from worker.core import residency
from worker.core.domain import HostView, Resident
from worker.core.passes import Kind, Rules, Seen
from worker.core.stays import MOVED_S, Stay

LEARNED_S = 3_600.0
"""How long it is remembered who took whose room, seconds."""
CONTEST_S = (60.0, 1_800.0)
"""First and longest pause after the same one has taken a room again, seconds."""
HOLD_TICKS = 2
"""A resident that went without a visible reason may make room for a load that is
under way, which no view shows; it is not loaded again for so long."""
KEEP_ALIVE = "its keep-alive"
"""What takes a room that is not held: no model, but a timer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Why a residency ended."""

    kind: Kind
    why: str
    by: str = ""
    """The name of the model that came instead, if one was seen."""
    is_sudden: bool = False
    """Whether others stayed, and nothing shows why it went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A target that lost its room."""

    at: float
    by: str
    """The model that has it now, as listed; `KEEP_ALIVE`, or empty = not known."""
    residents: int = 0
    """How many were resident then: with so many there is no room beside `by`."""
    times: int = 0
    """How often in a row by the same foreign model."""
    until: float = 0.0
    """Until then it is not loaded again; by the store's clock."""
    is_open: bool = False
    """Whether who took the room may show yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What changed on a host from one view to the next."""

    left: Mapping[str, Departure]
    """Of targets, by key."""
    foreign: Sequence[tuple[str, Departure]]
    """Of others, with their names."""
    came: Sequence[Resident]
    view: HostView
    serves: Mapping[str, str]
    targets: Sequence[Target]

    def target_of(self, name: str) -> Target | None:
        """The first target that this model is, or serves."""
        by_name = (t for t in self.targets if t.name.normal == residency.normal(name))
        listed = (r for r in self.view.residents if r.name == name)
        digest = next((r.digest for r in listed), None)
        served = (
            t for t in self.targets if digest and self.serves.get(t.key) == digest
        )
        return next(by_name, None) or next(served, None)


def came(before: Mapping[str, Stay], view: HostView) -> tuple[Resident, ...]:
    """The residents that were not there before."""
    return tuple(r for r in view.residents if r.digest not in before)


def of(
    before: Mapping[str, Stay],
    seen: Seen,
    view: HostView,
    *,
    restarted: bool,
    targets: Sequence[Target],
    rules: Rules,
) -> dict[str, Departure]:
    """Why each residency of the last view ended that is not in this one, by digest.

    (1) Still listed with another context: reloaded.
    (2) The server refused a connection meanwhile, or several went at once and
        nothing is left: it began anew.
    (3) Its time had run out: lapsed.
    (4) Another came, or a load of ours is under way: evicted by it.
    (5) Otherwise it was unloaded, or makes room for a load that no view shows.
    """
    now = {r.digest: r for r in view.residents}
    gone = [stay for digest, stay in before.items() if digest not in now]
    host_s = view.observed_at.timestamp()
    all_gone = len(gone) > 1 and not now and not any(_is_over(s, host_s) for s in gone)
    culprit = _culprit(before, seen, view, targets)
    left: dict[str, Departure] = {}
    for digest, stay in before.items():
        resident = now.get(digest)
        if resident is not None:
            if resident.context_length != stay.context_length:  # (1)
                left[digest] = _reloaded(stay, resident)
        elif restarted or all_gone:  # (2)
            left[digest] = Departure(
                kind=Kind.RESTARTED, why="the server was started again"
            )
        elif _is_over(stay, host_s):  # (3)
            left[digest] = _lapsed(stay, rules)
        elif culprit:  # (4)
            left[digest] = Departure(
                kind=Kind.EVICTED, why=f"evicted by {culprit}", by=culprit
            )
        else:  # (5)
            left[digest] = Departure(
                kind=Kind.UNLOADED,
                why="it went before its time: unloaded by hand, or to make room",
                is_sudden=bool(now),
            )
    return left


def _is_over(stay: Stay, host_s: float) -> bool:
    """Whether its timer had run out when it was gone, as far as is known.

    A busy one's timer begins at the end of its work.
    """
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


def _culprit(
    before: Mapping[str, Stay], seen: Seen, view: HostView, targets: Sequence[Target]
) -> str:
    """Who came instead: a new resident, else the target whose load is under way.

    A foreign one before one of ours: it does less harm to be wrong of it.
    """
    ours = {target.name.normal for target in targets}
    new = sorted(came(before, view), key=lambda r: residency.normal(r.name) in ours)
    if new:
        return new[0].name
    loading = seen.holder.key if seen.holder else None
    return next((t.name.short for t in targets if t.key == loading), "")


def losses(
    before: Mapping[str, Loss], scene: Scene, *, rules: Rules, now: float
) -> dict[str, Loss]:
    """Who lost room to whom, by target's key.

    (1) What was learned is forgotten after an hour, or when both are resident.
    (2) Whose culprit was not seen at first: the next foreign one that comes is it.
    (3) Of two targets, the lower one is it that does not fit beside the other.
    (4) A foreign model that takes a room again has it for a while, each time longer.
    (5) A target that took a foreign model's room does not fit beside it.
    """
    ledger = _Ledger(scene=scene, rules=rules, now=now)
    after = {k: loss for k, loss in before.items() if ledger.holds(k, loss)}  # (1)
    after |= {k: ledger.closed(x) for k, x in after.items() if x.is_open}  # (2)
    for key, departure in scene.left.items():  # (3), (4)
        after |= ledger.lost(key, departure, after.get(key))
    for name, departure in scene.foreign:  # (5)
        if rival := scene.target_of(departure.by):
            after[rival.key] = ledger.took(name, after.get(rival.key))
    return after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ledger:
    scene: Scene
    rules: Rules
    now: float

    def holds(self, key: str, loss: Loss) -> bool:
        """Whether it is to be remembered."""
        scene = self.scene
        if self.now - loss.at >= LEARNED_S:
            return False
        is_back = key in scene.serves
        both = is_back and any(r.name == loss.by for r in scene.view.residents)
        return not both and not (is_back and not loss.by)

    def closed(self, loss: Loss) -> Loss:
        """One whose culprit may have come by now."""
        foreign = [r.name for r in self.scene.came if not self.scene.target_of(r.name)]
        if foreign:
            return self._taken(foreign[0], loss)
        return replace(loss, is_open=self.now < loss.until)

    def lost(self, key: str, departure: Departure, old: Loss | None) -> dict[str, Loss]:
        """What follows for whom when a target went."""
        rival = self.scene.target_of(departure.by)
        order = [target.key for target in self.scene.targets]
        if key not in order:
            return {}
        if rival is not None and rival.key != key:
            if order.index(rival.key) > order.index(key):
                return {rival.key: self.beside(self._name(key))}
            return {key: self.beside(departure.by)}
        if departure.by:
            return {key: self._taken(departure.by, old)}
        if departure.is_sudden:
            until = self.now + HOLD_TICKS * self.rules.tick_s
            open_loss = old or Loss(at=self.now, by="")
            return {key: replace(open_loss, at=self.now, until=until, is_open=True)}
        return {}

    def took(self, name: str, old: Loss | None) -> Loss:
        """What a target learns that has taken this one's room; the count goes on."""
        times = old.times if old and old.by == name else 0
        return replace(self.beside(name), times=times)

    def beside(self, name: str) -> Loss:
        """It does not fit beside this one, as far as is known."""
        residents = [r.name for r in self.scene.view.residents]
        return Loss(
            at=self.now, by=name, residents=len(residents) + (name not in residents)
        )

    def _taken(self, by: str, old: Loss | None) -> Loss:
        times = old.times + 1 if old and old.by == by else 1
        first_s, longest_s = CONTEST_S
        pause_s = 0.0 if times == 1 else min(longest_s, first_s * 2.0 ** (times - 2))
        return replace(self.beside(by), times=times, until=self.now + pause_s)

    def _name(self, key: str) -> str:
        """The target's model as it is listed when it is resident."""
        return next(t.name.short for t in self.scene.targets if t.key == key)
