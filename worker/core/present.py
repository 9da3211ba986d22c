"""What to do with a target that is resident: hold it, or leave it alone. Pure."""

import math
from dataclasses import dataclass

from ollama_warmup.durations import format_short
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import residency, stays
from worker.core.decision import Decision
from worker.core.domain import FOREVER, Resident
from worker.core.passes import Event, Kind, Touch, Verdict
from worker.core.stays import Stay

FOREVER_S = FOREVER.total_seconds()
LEAD_TICKS = 2.5
"""A timer nearer than so many ticks is restarted."""
PROOF_S = 3_600.0
"""A runner that nobody asked for so long is asked: a dead one stays listed."""
ASK_AGAIN_TICKS, ASK_AGAIN_S = 0.9, 60.0
"""An unanswered touch is sent again after so long: to hold a timer, as proof."""


def lead_s(stay: Stay, *, tick_s: float) -> float:
    """How near a timer may come before it is restarted, seconds.

    Two and a half ticks; never above half the window, if it is known.
    """
    lead = LEAD_TICKS * tick_s
    return lead if stay.window_s is None else min(lead, stay.window_s / 2)


def verdict(target: Target, resident: Resident, decision: Decision) -> Verdict:
    """Step (5) of `worker.core.policy.plan`."""
    stay = decision.memory.stays[resident.digest]
    return _Present(
        target=target,
        resident=resident,
        decision=decision,
        expected=residency.wanted_context(
            target, resident, lambda: decision.info(target)
        ),
        stay=stay,
        left_s=math.inf if stay.left_s > FOREVER_S else stay.left_s,
    ).verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Present:
    target: Target
    resident: Resident
    decision: Decision
    expected: int | None
    """The context that it is to have, tokens; None = any."""
    stay: Stay
    left_s: float
    """Infinite = it has no timer."""

    def verdict(self) -> Verdict:
        fits = self._fits()
        if rival := self.decision.sharer(self.target, self.resident):  # (a)
            why = f"shares its runner with {rival.model}, which wants other options"
            return self._say(Condition.UNFIT, why, fits=fits)
        if not fits:  # (b)
            loaded = self.resident.context_length
            why = f"loaded with context {loaded}, wanted {self.expected}"
            return self._say(Condition.DRIFTED, why, fits=False)
        if above := self._took_room_of():  # (c)
            return self._say(Condition.UNFIT, f"not held: it took the room of {above}")
        drift = self._drift()
        if self.stay.is_short(self.decision.rules.tick_s):  # (d)
            self._tell_short(drift)
        elif self._needs_touch():  # (e)
            self._touch()  # (f)
        return self._say(Condition.DRIFTED if drift else Condition.WARM, drift)

    def _say(self, condition: Condition, why: str, *, fits: bool = True) -> Verdict:
        return Verdict(
            target=self.target,
            condition=condition,
            why=why,
            resident=self.resident,
            left_s=self.left_s,
            wanted_context=self.expected,
            is_ready=fits,
        )

    def _fits(self) -> bool:
        """Whether its context is the expected one, or what a load of ours showed."""
        if residency.has_context(self.resident, self.expected):
            return True
        record = self.decision.seen.records.get(self.target.key)
        return (
            record is not None
            and record.error is None
            and record.digest == self.resident.digest
            and record.context_length == self.resident.context_length
        )

    def _took_room_of(self) -> str:
        """The more wanted target that is cold because this one has its room."""
        loss = self.decision.loss(self.target)
        above = self.decision.above(self.target) if loss else []
        cold = (t for t in above if t.key in self.decision.cold)
        return next((t.model for t in cold if loss and loss.by == t.name.short), "")

    def _drift(self) -> str:
        """What its keep-alive is against what is wanted, or nothing."""
        window_s, wanted_s = self.stay.window_s, self.target.keep_alive_s
        if window_s is None or window_s > FOREVER_S:
            return ""
        if wanted_s is not None and window_s < wanted_s - 2 * stays.MOVED_S:
            wanted = "for ever" if math.isinf(wanted_s) else format_short(wanted_s)
            return f"keep-alive {format_short(window_s)}, wanted {wanted}"
        tick_s = self.decision.rules.tick_s
        if self.stay.is_short(tick_s):
            least = format_short(stays.SHORT_TICKS * tick_s)
            return (
                f"its keep-alive of {format_short(window_s)} cannot be held, as it is "
                f"below 3 ticks ({least})"
            )
        return ""

    def _tell_short(self, why: str) -> None:
        if self.stay.is_short_told:
            return
        event = Event(
            at=self.decision.now,
            host=self.target.host,
            model=self.target.model,
            kind=Kind.SHORT,
            why=why,
        )
        self.decision.events.append(event)

    def _needs_touch(self) -> bool:
        """Whether its timer is near, or it is not known to live, or to be idle."""
        stay, now, tick_s = self.stay, self.decision.now, self.decision.rules.tick_s
        if stay.is_busy or stay.is_untouchable or stay.digest in self.decision.touched:
            return False
        asked_s = now - stay.asked_at
        if self.left_s - stays.DATE_S < lead_s(stay, tick_s=tick_s):
            return asked_s >= ASK_AGAIN_TICKS * tick_s and not self._is_in_use()
        if self._is_ours and self.decision.doubts_unasked(stay):
            return True
        return now - stay.proof_at >= PROOF_S and asked_s >= ASK_AGAIN_S

    def _is_in_use(self) -> bool:
        """Whether the last touch found somebody at work, who is not seen to have ended.

        His end restarts the timer.
        """
        touch = self.decision.seen.touches.get(self.target.key)
        return (
            touch is not None
            and touch.error is None
            and touch.digest == self.resident.digest
            and touch.left_s is None
            and self.stay.used_at <= touch.at
            and self.decision.now - touch.at < LEAD_TICKS * self.decision.rules.tick_s
        )

    @property
    def _is_ours(self) -> bool:
        """Whether a load of ours made it, so that its options are known."""
        return self.stay.ours == self.target.key

    def _touch(self) -> None:
        stay = self.stay
        self.decision.touched.add(stay.digest)
        self.decision.actions.append(
            Touch(
                target=self.target,
                digest=stay.digest,
                num_ctx=None if self._is_ours else stay.context_length,
                left_s=self.left_s,
            )
        )
