"""One decision in the making: what it knows, and what it has come to so far. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field

from ollama_warmup.target import Target
from worker.core import pauses, residency, wedge
from worker.core.domain import ModelInfo, Resident, Unanswered
from worker.core.losses import LEARNED_S, Loss
from worker.core.memory import Memory
from worker.core.passes import Action, Event, Rules, Seen
from worker.core.stays import Stay

USED_TICKS = 6
"""Who was used within so many ticks is in use."""


@dataclass(slots=True, kw_only=True)
class Decision:
    """Of one host in one pass; `worker.core.policy` takes it target by target."""

    order: list[Target]
    """Most wanted first."""
    seen: Seen
    memory: Memory
    rules: Rules
    now: float
    actions: list[Action] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    cold: set[str] = field(default_factory=set)
    """Keys of the targets so far that are not resident."""
    touched: set[str] = field(default_factory=set)
    """Digests of the residents that are touched."""
    is_lane_taken: bool = False
    """Whether this decision loads something already."""

    def above(self, target: Target) -> list[Target]:
        """The targets that are wanted more."""
        above: list[Target] = []
        for other in self.order:
            if other is target:
                break
            above.append(other)
        return above

    def is_paused(self, target: Target) -> bool:
        """Whether passes leave a target alone."""
        return bool(self.seen.paused and self.seen.paused & pauses.of(target))

    def info(self, target: Target) -> ModelInfo | None:
        """What the host tells of its model."""
        return self.seen.infos.get(target.name.normal)

    def loss(self, target: Target) -> Loss | None:
        """Who took its room, as long as that is remembered."""
        loss = self.memory.losses.get(target.key)
        return loss if loss and self.now - loss.at < LEARNED_S else None

    def is_full(self, residents: Collection[Resident]) -> bool:
        """Whether one more would make another go, as far as is known."""
        names, count = {r.name for r in residents}, len(residents)
        if self.memory.room.full_at and count >= self.memory.room.most:
            return True
        losses = [self.loss(target) for target in self.order]
        return any(x and x.by in names and count >= x.residents for x in losses)

    def serves(self, target: Target, stay: Stay) -> bool:
        """Whether a resident serves a target."""
        return self.memory.serves.get(target.key) == stay.digest

    def is_in_use(self, stay: Stay) -> bool:
        """Whether somebody else is at a resident, or was just now."""
        used_s = self.now - stay.used_at
        return stay.is_busy or used_s < USED_TICKS * self.rules.tick_s

    @property
    def doubts(self) -> frozenset[str] | None:
        """Digests of whom a late load of ours may wait for; None = none is late."""
        view, still = self.seen.view, self.memory.still
        if isinstance(view, Unanswered):
            return None
        return wedge.doubtful(still, view, self.seen.holder, now=self.now)

    def doubts_unasked(self, stay: Stay) -> bool:
        """Whether a late load may wait for a resident that was not asked since."""
        still = self.memory.still
        is_asked = still is not None and stay.asked_at >= still.since
        return not is_asked and stay.digest in (self.doubts or ())

    def sharer(self, target: Target, resident: Resident | None) -> Target | None:
        """The more wanted target that needs another runner of the same weights.

        Args:
            target: the less wanted one.
            resident: what serves both; None = nothing does.
        """
        mine = self.info(target)
        for other in self.above(target) if mine and mine.blob else ():
            info = self.info(other)
            is_same = mine and info and mine.blob == info.blob
            if not is_same or self.is_paused(other):
                continue
            if mine and info and _differ(target, mine, other, info, resident):
                return other
        return None


def _differ(
    target: Target,
    mine: ModelInfo,
    other: Target,
    theirs: ModelInfo,
    resident: Resident | None,
) -> bool:
    """Whether two targets on the same weights cannot be served by one runner.

    Without a `num_ctx` any context will do.
    """
    options, others = target.options.given(), other.options.given()
    wanted = residency.expected_context(
        options.pop("num_ctx", mine.modelfile_num_ctx), mine
    )
    given = residency.expected_context(
        others.pop("num_ctx", theirs.modelfile_num_ctx), theirs
    )
    if options != others:
        return True
    if wanted is None or wanted == given:
        return False
    if given is not None:
        return True
    return resident is None or not residency.has_context(resident, wanted)
