"""What passes remember of a host from one to the next. Pure.

A view tells one instant. Who loaded a resident, how long its keep-alive is, whether
somebody uses it, and why it went, only shows in two views; `observe` is the step
from one to the next. `worker.core.policy` decides with what it leaves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import departures, losses, residency, room, since, stays, wedge
from worker.core.departures import Change, Departure
from worker.core.domain import HostView, Resident, Unanswered
from worker.core.losses import Loss, Scene
from worker.core.passes import Evictor, Kind, Rules, Seen
from worker.core.room import Room
from worker.core.since import Since
from worker.core.stays import Stay
from worker.core.wedge import Still

STRANGERS_S = 86_400.0
"""How long it is remembered that others load models too, seconds."""
DOWN_AFTER = 3
"""Refused connections in a row until a host is called down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was last said of a target."""

    condition: Condition
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Of one host."""

    looked_at: float = 0.0
    """When it last answered, by the store's clock; 0 = never."""
    refusals: int = 0
    """Refused connections in a row."""
    has_failed: bool = False
    """Whether a connection failed since it last answered."""
    stays: Mapping[str, Stay] = field(default_factory=dict)
    """What was resident when it last answered, by digest."""
    serves: Mapping[str, str] = field(default_factory=dict)
    """The digest of the resident that a target was served by, by target's key."""
    losses: Mapping[str, Loss] = field(default_factory=dict)
    """Why targets lost their room, by key."""
    room: Room = field(default_factory=Room)
    strangers_at: float = 0.0
    """When others than we were last seen to load a model there; when it was first
    looked at, if they never were."""
    touch_loads: Mapping[str, float] = field(default_factory=dict)
    """When a touch last turned out to be a load, by digest."""
    told: Mapping[str, Told] = field(default_factory=dict)
    """By target's key."""
    pulls: Mapping[str, float] = field(default_factory=dict)
    """When a pull was last sent, by target's key."""
    still: Still | None = None
    """Since when nothing changes while a load of ours waits."""
    wedged_at: float = 0.0
    """When a wedge was last told."""

    @property
    def is_down(self) -> bool:
        """Whether nobody listens at the host for some time."""
        return self.refusals >= DOWN_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a target's residency ended."""

    kind: Kind
    why: str
    evictors: tuple[Evictor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one look changed."""

    memory: Memory
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    """By target's key."""
    is_back: bool = False
    """Whether the host answers after a failed connection: what failed there before
    says nothing of it now."""


def observe(
    before: Memory, seen: Seen, targets: Sequence[Target], *, rules: Rules, now: float
) -> Observed:
    """Take one look into the memory of a host.

    (1) No answer: what was known stays as it was.
    (2) A host that answers after a failed connection began anew: what was learned
        of its room is forgotten.
    (3) Residents that stay: who loaded them, and how long they stay, becomes clearer.
    (4) Residents that went, or came with another context, have a reason.
    (5) A target that was evicted has lost its room to somebody.
    (6) While somebody's load may be under way, nothing is loaded: for a while after
        a view that lets suppose it; no longer when a stranger has come, and there are
        as many as there have been.

    Args:
        before: what the last look left.
        seen: what this one saw.
        targets: what is wanted of the host, in order of priority.
        rules: the deployment's.
        now: by the store's clock.
    """
    view = seen.view
    if isinstance(view, Unanswered):  # (1)
        return Observed(memory=_failed(before, view))
    is_back = before.has_failed
    if is_back:  # (2)
        before = replace(before, losses={}, room=Room())
    change = _change(before, seen, view, targets, now=now)  # (3)
    left = departures.of(change, rules=rules)  # (4)
    hold_s = room.HOLD_TICKS * rules.tick_s
    scene = _scene(before, change, left)
    lost = losses.after(before.losses, scene, now=now, hold_s=hold_s)  # (5)
    is_watched = before.looked_at > 0 and not scene.strangers
    after = replace(
        before,
        looked_at=now,
        refusals=0,
        has_failed=False,
        stays=change.after,
        serves=scene.serves,
        losses=lost,
        room=room.after(  # (6)
            before.room, change, left, now=now, hold_s=hold_s
        ),
        strangers_at=before.strangers_at if is_watched else now,
        touch_loads=_touch_loads(before, seen, now),
        still=wedge.watch(before.still, view, seen.holder, now=now),
    )
    reasons = _reasons(before, left, lost, scene)
    return Observed(memory=after, reasons=reasons, is_back=is_back)


def _change(
    before: Memory,
    seen: Seen,
    view: HostView,
    targets: Sequence[Target],
    *,
    now: float,
) -> Change:
    found = ((t.key, serving(t, view.residents, seen)) for t in targets)
    serves = {key: resident.digest for key, resident in found if resident}
    looked = Since(looked_at=before.looked_at, now=now, touch_loads=before.touch_loads)
    return Change(
        before=before.stays,
        after=stays.after(before.stays, seen, view, serves=serves, since=looked),
        seen=seen,
        view=view,
        targets=targets,
        serves=serves,
        looked_at=before.looked_at,
        restarted=before.has_failed,
        has_strangers=0 < before.strangers_at > now - STRANGERS_S,
    )


def _scene(before: Memory, change: Change, left: Mapping[str, Departure]) -> Scene:
    return Scene(
        left={k: left[d] for k, d in before.serves.items() if d in left},
        foreign=[
            (before.stays[digest].name, departure)
            for digest, departure in left.items()
            if digest not in before.serves.values()
        ],
        undone=change.undone,
        strangers=change.strangers if before.looked_at else (),
        view=change.view,
        serves=change.serves,
        targets=change.targets,
    )


def _touch_loads(before: Memory, seen: Seen, now: float) -> dict[str, float]:
    kept = {d: at for d, at in before.touch_loads.items() if now - at < since.AGAIN_S}
    new = {t.digest: t.at for t in seen.touches.values() if t.was_load}
    return kept | {d: at for d, at in new.items() if now - at < since.AGAIN_S}


def _failed(before: Memory, view: Unanswered) -> Memory:
    return replace(
        before,
        refusals=before.refusals + 1 if view.is_refused else 0,
        has_failed=before.has_failed or view.is_refused,
    )


def serving(
    target: Target, residents: Sequence[Resident], seen: Seen
) -> Resident | None:
    """The resident that serves a target's model, under whatever name."""
    name = target.name
    tag = (seen.tags or {}).get(name.normal)
    info = seen.infos.get(name.normal)
    return (
        residency.by_name(name, residents)
        or residency.by_digest(tag.digest if tag else None, residents)
        or residency.by_blob(info.blob if info else None, residents, seen.infos)
    )


def _reasons(
    before: Memory,
    left: Mapping[str, Departure],
    losses: Mapping[str, Loss],
    scene: Scene,
) -> dict[str, Reason]:
    """Why residencies ended, and which models took the room of one that went before."""
    reasons = {
        key: Reason(kind=gone.kind, why=gone.why, evictors=gone.evictors)
        for key, digest in before.serves.items()
        if (gone := left.get(digest))
    }
    found_out = {
        key: _taken_by(came)
        for key in losses
        if (old := before.losses.get(key)) and old.is_open
        if (came := scene.came_for(key))
    }
    return found_out | reasons


def _taken_by(strangers: Sequence[Stay]) -> Reason:
    evictors = tuple(Evictor(model=s.name, is_ours=False) for s in strangers)
    why = departures.evicted_by(evictors)
    return Reason(kind=Kind.EVICTED, why=why, evictors=evictors)
