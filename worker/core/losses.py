"""Who lost room to whom, and how long that is respected. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ollama_warmup.target import Target
from worker.core import residency
from worker.core.departures import Departure
from worker.core.domain import HostView
from worker.core.stays import Stay

LEARNED_S = 3_600.0
"""How long it is remembered who took whose room, seconds."""
CONTEST_S = 1_800.0
"""Longest pause after others have taken a room, seconds; it doubles up to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A target that lost its room."""

    at: float
    by: str
    """The model that has it now, as listed; `departures.KEEP_ALIVE`, or empty = not
    known."""
    residents: int = 0
    """How many were resident then: with so many there is no room."""
    times: int = 0
    """How often in a row others have taken it."""
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
    undone: frozenset[str]
    """Keys of targets that were unloaded as soon as they were loaded."""
    strangers: Sequence[Stay]
    """What came, and no load of ours made it."""
    view: HostView
    serves: Mapping[str, str]
    targets: Sequence[Target]
    """Most wanted first."""

    def came_for(self, key: str) -> list[Stay]:
        """What came, and no load of ours made it, other than this target itself."""
        return [s for s in self.strangers if not self._is(key, s.name)]

    def _is(self, key: str, name: str) -> bool:
        target = self.target_of(name)
        return target is not None and target.key == key

    def target_of(self, name: str) -> Target | None:
        """The first target that this model is, or serves."""
        by_name = (t for t in self.targets if t.name.normal == residency.normal(name))
        listed = (r for r in self.view.residents if r.name == name)
        digest = next((r.digest for r in listed), None)
        served = (
            t for t in self.targets if digest and self.serves.get(t.key) == digest
        )
        return next(by_name, None) or next(served, None)


def after(
    before: Mapping[str, Loss], scene: Scene, *, now: float, hold_s: float
) -> dict[str, Loss]:
    """Who lost room to whom, by target's key.

    (1) What was learned is forgotten after an hour, or when both are resident.
    (2) Whose culprit was not seen at first: the next stranger that comes is it.
    (3) A target that lost its room to a more wanted one does not fit beside it; and
        no more does a less wanted one that a load of ours has put in its place.
    (4) What an application has loaded has the room for a while, each time longer,
        whether or not it is a target.
    (5) A target that took a foreign model's room does not fit beside it.

    Args:
        before: of the look before.
        scene: what has changed.
        now: by the store's clock.
        hold_s: how long one that went without a visible reason is left alone, and
            the first pause of one whose room was taken.
    """
    ledger = _Ledger(scene=scene, now=now, hold_s=hold_s)
    after = {k: loss for k, loss in before.items() if ledger.holds(k, loss)}  # (1)
    after |= {k: ledger.closed(k, x) for k, x in after.items() if x.is_open}  # (2)
    for key, departure in scene.left.items():  # (3), (4)
        after |= ledger.lost(key, departure, after.get(key))
    for key in scene.undone - scene.serves.keys():
        after |= ledger.unseen(after.get(key), key)
    for name, departure in scene.foreign:  # (5)
        if rival := scene.target_of(departure.by):
            old = after.get(rival.key)
            after[rival.key] = ledger.took(name, taker=departure.by, old=old)
    return after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ledger:
    scene: Scene
    now: float
    hold_s: float

    def holds(self, key: str, loss: Loss) -> bool:
        """Whether it is to be remembered."""
        scene = self.scene
        if self.now - loss.at >= LEARNED_S:
            return False
        is_back = key in scene.serves
        both = is_back and any(r.name == loss.by for r in scene.view.residents)
        return not both and not (is_back and not loss.by)

    def closed(self, key: str, loss: Loss) -> Loss:
        """One whose culprit may have come by now."""
        if came := self.scene.came_for(key):
            return self._taken(came[0].name, loss)
        return replace(loss, is_open=self.now < loss.until)

    def lost(self, key: str, departure: Departure, old: Loss | None) -> dict[str, Loss]:
        """What follows for whom when a target went."""
        order = [target.key for target in self.scene.targets]
        if key not in order:
            return {}
        by = departure.by
        rival = self.scene.target_of(by)
        if rival is not None and rival.key != key:
            if order.index(rival.key) < order.index(key):
                return {key: self.beside(by, taker=by)}
            if departure.is_ours:
                return {rival.key: self.beside(self._name(key), taker=by)}
        if by:
            return {key: self._taken(by, old)}
        return self.unseen(old, key) if departure.is_sudden else {}

    def unseen(self, old: Loss | None, key: str) -> dict[str, Loss]:
        """It lost its room to one that may show yet."""
        until = self.now + self.hold_s
        loss = old or Loss(at=self.now, by="")
        return {key: replace(loss, at=self.now, until=until, is_open=True)}

    def took(self, name: str, *, taker: str, old: Loss | None) -> Loss:
        """What a target learns that has taken this one's room; the count goes on."""
        loss = self.beside(name, taker=taker)
        return replace(loss, times=old.times if old else 0)

    def beside(self, name: str, *, taker: str) -> Loss:
        """It does not fit beside this one, as far as is known.

        Args:
            name: the one.
            taker: of the two, the one that has the room, or will have it soon.
        """
        residents = [r.name for r in self.scene.view.residents]
        return Loss(
            at=self.now, by=name, residents=len(residents) + (taker not in residents)
        )

    def _taken(self, by: str, old: Loss | None) -> Loss:
        times = old.times + 1 if old else 1
        pause_s = min(CONTEST_S, self.hold_s * 2.0 ** min(times - 1, 16))
        return replace(self.beside(by, taker=by), times=times, until=self.now + pause_s)

    def _name(self, key: str) -> str:
        """The target's model as it is listed when it is resident."""
        return next(t.name.short for t in self.scene.targets if t.key == key)
