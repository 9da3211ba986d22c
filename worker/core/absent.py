"""What to do with a target that is not resident: load it, or wait. Pure."""

import math
from dataclasses import dataclass

from ollama_warmup.durations import format_short
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import failures, residency
from worker.core.decision import Decision
from worker.core.departures import KEEP_ALIVE
from worker.core.domain import HostView
from worker.core.losses import LEARNED_S, Loss
from worker.core.passes import Pull, Verdict, Warm
from worker.core.stays import Stay

PULL_AGAIN_S = 600.0
"""A pull that does not run by then is sent again."""

_Why = tuple[Condition, str]


def verdict(target: Target, view: HostView, decision: Decision) -> Verdict:
    """Step (6) of `worker.core.policy.plan`."""
    condition, why = _Absent(target=target, view=view, decision=decision).why()
    info = decision.info(target)
    num_ctx = target.options.num_ctx
    expected = residency.expected_context(num_ctx, info) if info else None
    return Verdict(target=target, condition=condition, why=why, wanted_context=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Absent:
    target: Target
    view: HostView
    decision: Decision

    def why(self) -> _Why:
        return (
            self._missing()  # (a)
            or self._failed()  # (b)
            or self._shared()  # (c)
            or self._lost()  # (d)
            or self._load()  # (e)
        )

    def _missing(self) -> _Why | None:
        target, seen = self.target, self.decision.seen
        info = self.decision.info(target)
        if info is not None and info.is_remote:
            return Condition.FAILING, "it stands for a model in Ollama's cloud"
        if seen.tags is None or target.name.normal in seen.tags:
            return None
        if not target.pull:
            why = (
                f"{target.host} does not have it: run `ollama pull {target.model}` "
                "there, or say pull: true in the warm list"
            )
            return Condition.FAILING, why
        if target.key in seen.pulling:
            return Condition.QUEUED, "it is being pulled"
        sent_at = self.decision.memory.pulls.get(target.key, -math.inf)
        if self.decision.now - sent_at >= PULL_AGAIN_S:
            self.decision.actions.append(Pull(target=target))
        return Condition.QUEUED, "it is to be pulled"

    def _failed(self) -> _Why | None:
        record = self.decision.seen.records.get(self.target.key)
        if record is None or record.error is None:
            return None
        left_s = failures.next_pass_at(record) - self.decision.now
        if left_s <= 0:
            return None
        return Condition.FAILING, f"{record.text} (next try in {format_short(left_s)})"

    def _shared(self) -> _Why | None:
        rival = self.decision.sharer(self.target, None)
        if rival is None:
            return None
        return Condition.UNFIT, f"shares its runner with {rival.model}"

    def _lost(self) -> _Why | None:
        loss = self.decision.loss(self.target)
        if loss is None:
            return self._crowded()
        left_s = loss.until - self.decision.now
        if left_s > 0 and loss.is_open:
            again = format_short(left_s)
            return Condition.COLD, f"it went suddenly; loaded again in {again}"
        is_room = self._is_room(loss)
        if left_s > 0 and not (is_room and loss.by != KEEP_ALIVE):
            what = "ran out" if loss.by == KEEP_ALIVE else "took its room"
            why = f"{loss.by} {what} {loss.times} times"
            return Condition.CONTESTED, f"{why}; next try in {format_short(left_s)}"
        if is_room:
            return None
        stays = self.decision.memory.stays.values()
        takers = (stay for stay in stays if stay.name == loss.by)
        return self._none_of(*takers, *self._victims())

    def _is_room(self, loss: Loss) -> bool:
        """Whether there are fewer residents than when it was lost.

        Without the one that has taken it: fewer than there have been.
        """
        residents = self.view.residents
        is_there = any(r.name == loss.by for r in residents)
        most = loss.residents if is_there else self.decision.memory.room.most
        return len(residents) < max(loss.residents, most)

    def _beside(self, by: Stay) -> _Why | None:
        """What it means for the target that this one has the room."""
        decision = self.decision
        above = decision.above(self.target)
        owner = next((t for t in above if decision.serves(t, by)), None)
        if owner is not None:
            why = f"does not fit beside {owner.model}, which is wanted more"
            return Condition.UNFIT, why
        return self._in_use(by) if decision.is_in_use(by) else None

    def _in_use(self, by: Stay) -> _Why:
        return Condition.CONTESTED, f"{by.name} has its room, and is in use"

    def _none_of(self, *stays: Stay) -> _Why | None:
        """What the first of these means that keeps the target out, if one does."""
        return next((why for stay in stays if (why := self._beside(stay))), None)

    def _crowded(self) -> _Why | None:
        """Without a loss of its own: whether it would take the room of another.

        When it is an hour since the host was seen full it may have more room now, so
        a more wanted one's room is no reason any more.
        """
        decision = self.decision
        if not decision.is_full(self.view.residents):
            return None
        victims = self._victims()
        used = [stay for stay in victims if decision.is_in_use(stay)]
        is_fresh = decision.now - decision.memory.room.full_at < LEARNED_S
        return (
            self._in_use(used[0])
            if used
            else (self._none_of(*victims) if is_fresh else None)
        )

    def _victims(self) -> list[Stay]:
        """Those of which a full host lets one go for a load.

        Ollama chooses the idle one with the shortest keep-alive, of which the views
        tell bounds.
        """
        stays = self.decision.memory.stays.values()
        idle = [stay for stay in stays if not stay.is_busy] or list(stays)
        most = [stay.most_s for stay in idle if stay.most_s is not None]
        shortest_s = min(most, default=math.inf)
        return [stay for stay in idle if stay.least_s <= shortest_s]

    def _load(self) -> _Why:
        decision, seen = self.decision, self.decision.seen
        if seen.sent == self.target.key:
            return Condition.QUEUED, "its load is sent"
        if seen.holder or seen.sent or decision.is_lane_taken:
            return Condition.QUEUED, "another load of its host comes first"
        if not decision.rules.enabled:
            return Condition.COLD, "not loaded: OLLAMA_WARMUP_ENABLED is not true"
        if decision.now < decision.memory.room.hold_until:
            return Condition.QUEUED, "somebody else's load may be under way"
        decision.is_lane_taken = True
        decision.actions.append(Warm(target=self.target))
        return Condition.QUEUED, "its load is sent"
