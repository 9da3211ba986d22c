"""What a call of a warm-up is answered from one look at its host. Pure.

A look is a view, the record of the target's last load, and the holder of the lane:
steps (1), (2) and (5) of `worker.warming.make_warm`, which takes it.
"""

from dataclasses import dataclass, replace

from ollama_warmup.errors import WarmupError
from ollama_warmup.target import Target
from worker.core import failures, residency
from worker.core.calls import Call, Failed, Queued
from worker.core.domain import (
    Holder,
    HostView,
    How,
    LoadRecord,
    Outcome,
    Resident,
    Warmth,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSnapshot:
    """What one look showed of the target of one call."""

    call: Call
    since: float | None
    """Since when the call waits, by the store's clock; None = it does not."""
    now: float
    """The store's clock, Unix seconds."""
    view: HostView
    record: LoadRecord | None = None
    """How the target's last load ended."""
    holder: Holder | None = None
    """The load that has the lane."""
    resident: Resident | None = None
    """What serves the target's model, with whatever options."""
    fits: bool = False
    """Whether the resident is warm with the options that `/api/ps` shows."""
    hides_options: bool = False
    """Whether the target has options that `/api/ps` does not show."""

    def answer(self) -> Outcome | Failed | Queued | None:
        """What the call gets without a load; None = it takes one.

        Returns:
            `Queued` with a pause, if no call may load the target yet.
        """
        record = self.record
        if record is None or record.error is None:
            return self._warm()
        error = failures.revive(record.error, record.text)
        if self.fits and not failures.doubts_views(error):
            return self._warm()
        return self._failed(record, error)

    @property
    def used_otherwise(self) -> Resident | None:
        """The resident that a load would reload under an application that uses it."""
        resident = self.resident
        if resident is None or self.fits or not residency.is_busy(resident, self.view):
            return None
        return resident

    def _failed(self, record: LoadRecord, error: WarmupError) -> Failed | Queued | None:
        """(2): the answer to a call whose target could not be loaded."""
        left_s = record.blocked_until - self.now
        if record.is_final and (left_s > 0 or self._waited_for(record)):
            return Failed(error=error)
        if left_s <= 0:
            return None
        return Queued(waiting_since=self.since or record.ended_at, pause_s=left_s)

    def _warm(self) -> Outcome | None:
        """(1): the answer to a call whose target is resident as wanted."""
        resident, record = self.resident, self.record
        if resident is None:
            return None
        if not self.fits:
            return self._left_alone(resident)
        loaded = record if record and not record.error else None
        mine = loaded is not None and loaded.task_id == self.call.task_id
        joined = loaded is not None and self._waited_for(loaded)
        proves = self.hides_options and not (mine or joined)
        if proves and not self.call.is_gentle:
            return None
        joined = joined or (loaded is not None and self._was_sent_before(loaded))
        warmth = Warmth(resident=resident, left=self.view.left(resident))
        how, attempts = How.ALREADY_WARM, 0
        if loaded is not None and (mine or joined):
            how, attempts = How.LOADED if mine else How.JOINED, loaded.attempt
            warmth = replace(
                warmth, load_s=loaded.load_s, reloaded_from=loaded.reloaded_from
            )
        outcome = ended(self.call.target, how, warmth, attempts=attempts)
        return replace(outcome, options_verified=False) if proves else outcome

    def _left_alone(self, resident: Resident) -> Outcome | None:
        """What a gentle call gets of a model that is loaded with other options.

        Also of one that is about to go: an application may use it to the end.
        """
        if not self.call.is_gentle:
            return None
        warmth = Warmth(resident=resident, left=self.view.left(resident))
        outcome = ended(self.call.target, How.DRIFTED, warmth, attempts=0)
        return replace(outcome, options_verified=False)

    def _was_sent_before(self, record: LoadRecord) -> bool:
        """Whether the caller sent the task before that load ended, if clocks agree."""
        sent_at = self.call.sent_at
        return sent_at is not None and sent_at <= record.ended_at

    def _waited_for(self, record: LoadRecord) -> bool:
        return self.since is not None and self.since <= record.ended_at


def ended(target: Target, how: How, warmth: Warmth, *, attempts: int) -> Outcome:
    """How a call ended well, and whether a view showed its options as wanted."""
    asked = target.options.num_ctx is not None
    shown = warmth.resident.context_length is not None
    return Outcome(
        how=how,
        warmth=warmth,
        attempts=attempts,
        options_verified=shown or not asked,
    )
