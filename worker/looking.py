"""What a call can be answered from one look at its host, without a load.

A look is a view, the record of the target's last load, and who has the lane:
steps (1) and (2) of `worker.warming`, which takes it.
"""

import logging
from dataclasses import dataclass, replace

from ollama_warmup.durations import format_short
from ollama_warmup.errors import WarmupError
from ollama_warmup.target import Target
from worker.call import Call, Failed, Queued
from worker.core import failures, residency
from worker.core.domain import (
    Holder,
    HostView,
    How,
    LoadRecord,
    Outcome,
    Resident,
    Warmth,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look told one call."""

    call: Call
    since: float | None
    """Since when the call waits, by the store's clock; None = it does not."""
    now: float
    """The store's clock."""
    view: HostView
    record: LoadRecord | None = None
    holder: Holder | None = None
    resident: Resident | None = None
    fits: bool = False
    """Whether the resident is warm with the options that `/api/ps` shows."""
    hides_options: bool = False
    """Whether the target has options that it does not show."""

    def answer(self) -> Outcome | Failed | Queued | None:
        """What the call gets without a load; None = it takes one.

        Returns:
            `Queued` with a pause, if nobody may load yet.
        """
        record = self.record
        if record is None or record.error is None:
            return self._warm()
        error = failures.revive(record.error, record.text)
        if self.fits and not failures.doubts_views(error):
            return self._warm()
        return self._failed(record, error)

    def _failed(self, record: LoadRecord, error: WarmupError) -> Failed | Queued | None:
        """(2): the answer to a call whose target could not be loaded."""
        left_s = record.blocked_until - self.now
        if record.is_final and (left_s > 0 or self._waited_for(record)):
            return Failed(error=error)
        if left_s <= 0:
            return None
        return Queued(waiting_since=self.since or record.ended_at, pause_s=left_s)

    def _warm(self) -> Outcome | None:
        """The answer to a call whose target is resident as wanted."""
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
        if loaded is None or not (mine or joined):
            logger.info("%s", _already(self.call.target, warmth))
            outcome = ended(self.call.target, How.ALREADY_WARM, warmth, attempts=0)
            return replace(outcome, options_verified=False) if proves else outcome
        how = How.LOADED if mine else How.JOINED
        warmth = Warmth(
            resident=resident,
            left=warmth.left,
            load_s=loaded.load_s,
            reloaded_from=loaded.reloaded_from,
        )
        return ended(self.call.target, how, warmth, attempts=loaded.attempt)

    def _left_alone(self, resident: Resident) -> Outcome | None:
        """What a gentle call says of a model that is loaded with other options.

        Also of one that is about to go: somebody may be using it to the end.
        """
        if not self.call.is_gentle:
            return None
        logger.info(
            "Model left as it is: %s (loaded with context_length %s, not as wanted)",
            self.call.target.model,
            resident.context_length,
        )
        warmth = Warmth(resident=resident, left=self.view.left(resident))
        outcome = ended(self.call.target, How.DRIFTED, warmth, attempts=0)
        return replace(outcome, options_verified=False)

    def _was_sent_before(self, record: LoadRecord) -> bool:
        """Whether the caller asked before that load ended, if clocks agree."""
        sent_at = self.call.sent_at
        return sent_at is not None and sent_at <= record.ended_at

    def _waited_for(self, record: LoadRecord) -> bool:
        return self.since is not None and self.since <= record.ended_at


def ended(target: Target, how: How, warmth: Warmth, *, attempts: int) -> Outcome:
    """How a call ended well, and whether its options were seen to be as wanted."""
    asked = target.options.num_ctx is not None
    shown = warmth.resident.context_length is not None
    return Outcome(
        how=how,
        warmth=warmth,
        attempts=attempts,
        options_verified=shown or not asked,
    )


def _already(target: Target, warmth: Warmth) -> str:
    stay = (
        "stays"
        if residency.is_forever(warmth.left)
        else f"expires in {format_short(warmth.left.total_seconds())}"
        if warmth.left.total_seconds() > 0
        else "busy"
    )
    context = warmth.resident.context_length
    return f"Model already warm: {target.model} (context_length: {context}, {stay})"
