"""What passes remember of a host from one to the next. Pure.

A view tells one instant. Who loaded a resident, how long its keep-alive is, whether
somebody uses it, and why it went, only shows in two views; `observe` is the step
from one to the next. `worker.core.policy` decides with what it leaves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import departures, residency, stays, wedge
from worker.core.departures import Departure, Loss
from worker.core.domain import HostView, Resident, Unanswered
from worker.core.passes import Kind, Rules, Seen
from worker.core.stays import Stay
from worker.core.wedge import Still

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
    told: Mapping[str, Told] = field(default_factory=dict)
    """By target's key."""
    pulls: Mapping[str, float] = field(default_factory=dict)
    """When a pull was last sent, by target's key."""
    still: Still | None = None
    """Since when nothing changes while a load of ours is late."""
    wedged_at: float = 0.0
    """When a wedge was last told."""

    @property
    def is_down(self) -> bool:
        """Whether nobody listens at the host for some time."""
        return self.refusals >= DOWN_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one look changed."""

    memory: Memory
    reasons: Mapping[str, tuple[Kind, str]] = field(default_factory=dict)
    """Why a target's residency ended, by key."""
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
    (3) Residents that went, or came with another context, have a reason.
    (4) A target that was evicted has lost its room to somebody.
    (5) Residents that stay: who loaded them, and how long they stay, becomes clearer.

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
        before = replace(before, losses={})
    serves = _serves(targets, view, seen)
    left = departures.of(
        before.stays, seen, view, restarted=is_back, targets=targets, rules=rules
    )
    losses = departures.losses(  # (4)
        before.losses,
        departures.Scene(
            left={k: left[d] for k, d in before.serves.items() if d in left},
            foreign=[
                (before.stays[digest].name, departure)
                for digest, departure in left.items()
                if digest not in before.serves.values()
            ],
            came=departures.came(before.stays, view) if before.looked_at else (),
            view=view,
            serves=serves,
            targets=targets,
        ),
        rules=rules,
        now=now,
    )
    after = replace(
        before,
        looked_at=now,
        refusals=0,
        has_failed=False,
        stays=stays.after(  # (5)
            before.stays, seen, view, serves=serves, looked_at=before.looked_at, now=now
        ),
        serves=serves,
        losses=losses,
        still=wedge.watch(before.still, view, seen.holder, now=now),
    )
    return Observed(
        memory=after,
        reasons=_reasons(before, left, losses),  # (3)
        is_back=is_back,
    )


def _failed(before: Memory, view: Unanswered) -> Memory:
    return replace(
        before,
        refusals=before.refusals + 1 if view.is_refused else 0,
        has_failed=before.has_failed or view.is_refused,
        still=None,
    )


def _serves(targets: Sequence[Target], view: HostView, seen: Seen) -> dict[str, str]:
    found = ((t.key, serving(t, view.residents, seen)) for t in targets)
    return {key: resident.digest for key, resident in found if resident}


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
    before: Memory, left: Mapping[str, Departure], losses: Mapping[str, Loss]
) -> dict[str, tuple[Kind, str]]:
    reasons = {
        key: (left[digest].kind, left[digest].why)
        for key, digest in before.serves.items()
        if digest in left
    }
    found_out = {
        key: (Kind.EVICTED, f"evicted by {loss.by}")
        for key, loss in losses.items()
        if (old := before.losses.get(key)) and old.is_open and not loss.is_open
        if loss.by
    }
    return found_out | reasons
