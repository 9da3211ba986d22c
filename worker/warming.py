"""Use case: one call wants one target warm.

Called by the task `ollama.warmup`, in any number of processes at once: one load
serves all callers of a target, and one load of ours at a time is in flight on a
host. It decides here; `worker.loading` sends, `worker.keeper` holds, and
`worker.core` judges.
"""

import logging
import uuid
from dataclasses import dataclass, field, replace
from functools import partial

from ollama_warmup.durations import format_short
from ollama_warmup.errors import InUse, OllamaDown, Refused, WarmupError
from ollama_warmup.target import Target
from worker.adapters.ollama import Ollama
from worker.call import Answer, Call, Failed, Means, Queued, TryAgain
from worker.core import estimates, failures, residency
from worker.core.domain import (
    Holder,
    HostView,
    How,
    LoadRecord,
    Outcome,
    Resident,
    Warmth,
)
from worker.keeper import Keeper, Load
from worker.loading import Loading
from worker.model import Model

logger = logging.getLogger(__name__)

LANE_WAIT_S = 1.0
"""How long a call holds its slot for a lane that another load has."""
LOOK_S = 0.1
"""Between two looks at a held lane."""
SAY_S = 1.0
"""Between two words on how far a load is."""


def make_warm(call: Call, means: Means) -> Answer:
    """Have the target loaded with exactly its runner options, and verified.

    (1) Warm as far as a view can be believed: answer; so does a gentle call of what
        is loaded with other options.
    (2) Its last load failed: whoever waited for it gets its error; while nobody
        may load, so does everybody, or waits if a retry is due.
    (3) Another load has the lane: wait a moment, then go to the tail of the queue.
    (4) With the lane taken, look once more as in (1) and (2).
    (5) Somebody is using the model with other options: refuse.
    (6) Load, and wait for it as long as this run may.

    Raises:
        WarmupError: this run could not even try: `InUse`, `Refused` for a cloud
            model, `StoreUnavailable`, and what `Ollama` raises.
    """
    return _Attempt(call, means).run()


def find_resident(target: Target, *, ollama: Ollama) -> Resident | None:
    """The resident that serves the target's model now, under whatever name.

    Its options may differ from the target's. Raises what `ollama` raises.
    """
    return Model(target, ollama).find(ollama.view())


@dataclass(slots=True)
class _Seen:
    """What one look told."""

    view: HostView
    record: LoadRecord | None
    holder: Holder | None
    resident: Resident | None = None
    fits: bool = False


@dataclass(slots=True)
class _Attempt:
    """One run of `make_warm`."""

    call: Call
    means: Means
    model: Model = field(init=False)
    since: float | None = field(init=False)

    def __post_init__(self) -> None:
        self.model = Model(self.call.target, self.means.ollama)
        self.since = self.call.waiting_since

    def run(self) -> Answer:
        clock, store, host = self.means.clock, self.means.store, self.call.target.host
        gives_up_at = clock.monotonic() + LANE_WAIT_S
        while True:
            seen = self._look()
            if (answer := self._answer(seen)) is not None:  # (1), (2)
                return answer
            if seen.holder is None:
                holder = self._holder(seen)
                if store.take_lane(host, holder):
                    return self._with_lane(holder)
            since = self._wait_for(seen.holder)  # (3)
            while store.holder(host) is not None:
                if clock.monotonic() >= gives_up_at:
                    return Queued(waiting_since=since)
                clock.sleep(LOOK_S)

    def _look(self, *, mine: Holder | None = None) -> _Seen:
        """See what there is; nothing is resident while another load is to prove it."""
        target = self.call.target
        view = self.means.ollama.view()
        record, holder = self.means.store.read(target.host, target.key)
        if holder is not None and holder != mine and holder.key == target.key:
            return _Seen(view=view, record=None, holder=holder)
        resident = self.model.find(view)
        fits = resident is not None and self.model.is_warm(resident, view)
        return _Seen(
            view=view, record=record, holder=holder, resident=resident, fits=fits
        )

    def _wait_for(self, holder: Holder | None) -> float:
        """Wait from now on, if not yet; say how far the load is, if it is ours, too."""
        now = self.means.store.now()
        if holder is not None and holder.key == self.call.target.key:
            self.means.say(now - holder.began_at, holder.expected_s)
        self.since = now if self.since is None else self.since
        return self.since

    def _answer(self, seen: _Seen) -> Answer | None:
        """(1) and (2): what can be answered without a load, or None."""
        record = seen.record
        if record is None or record.error is None:
            return self._warm(seen)
        error = failures.revive(record.error, record.text)
        if seen.fits and not failures.doubts_views(error):
            return self._warm(seen)
        return self._failed(record, error)

    def _failed(self, record: LoadRecord, error: WarmupError) -> Answer | None:
        """(2): the answer to a call whose target could not be loaded."""
        left_s = record.blocked_until - self.means.store.now()
        if record.is_final and (left_s > 0 or self._waited_for(record)):
            return Failed(error=error)
        if left_s <= 0:
            return None
        self.means.clock.sleep(min(left_s, LANE_WAIT_S))
        return Queued(waiting_since=self.since or record.ended_at)

    def _warm(self, seen: _Seen) -> Outcome | None:
        """The answer to a call whose target is resident as wanted."""
        resident, record = seen.resident, seen.record
        if resident is None:
            return None
        if not seen.fits:
            return self._left_alone(seen, resident)
        loaded = record if record and not record.error else None
        mine = loaded is not None and loaded.task_id == self.call.task_id
        joined = loaded is not None and self._waited_for(loaded)
        proves = self.model.hides_options and not (mine or joined)
        if proves and not self.call.is_gentle:
            return None
        joined = joined or (loaded is not None and self._was_sent_before(loaded))
        warmth = Warmth(resident=resident, left=seen.view.left(resident))
        if loaded is None or not (mine or joined):
            logger.info("%s", _already(self.call.target, warmth))
            outcome = self._outcome(How.ALREADY_WARM, warmth, attempts=0)
            return replace(outcome, options_verified=False) if proves else outcome
        how = How.LOADED if mine else How.JOINED
        warmth = Warmth(
            resident=resident,
            left=warmth.left,
            load_s=loaded.load_s,
            reloaded_from=loaded.reloaded_from,
        )
        return self._outcome(how, warmth, attempts=loaded.attempt)

    def _left_alone(self, seen: _Seen, resident: Resident) -> Outcome | None:
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
        warmth = Warmth(resident=resident, left=seen.view.left(resident))
        outcome = self._outcome(How.DRIFTED, warmth, attempts=0)
        return replace(outcome, options_verified=False)

    def _outcome(self, how: How, warmth: Warmth, *, attempts: int) -> Outcome:
        asked = self.call.target.options.num_ctx is not None
        shown = warmth.resident.context_length is not None
        return Outcome(
            how=how,
            warmth=warmth,
            attempts=attempts,
            options_verified=shown or not asked,
        )

    def _was_sent_before(self, record: LoadRecord) -> bool:
        """Whether the caller asked before that load ended, if clocks agree."""
        sent_at = self.call.sent_at
        return sent_at is not None and sent_at <= record.ended_at

    def _waited_for(self, record: LoadRecord) -> bool:
        return self.since is not None and self.since <= record.ended_at

    def _holder(self, seen: _Seen) -> Holder:
        if self.model.info.is_remote:
            raise Refused(
                f"{self.call.target.model!r} stands for a model in Ollama's cloud: "
                "there is nothing to warm"
            )
        loading = self._loading(seen)
        history = loading.history()
        return Holder(
            nonce=uuid.uuid4().hex,
            key=self.call.target.key,
            task_id=self.call.task_id,
            process=self.call.process,
            began_at=self.means.store.now(),
            expected_s=estimates.expected_s(history),
            late_s=loading.late_s(history),
        )

    def _loading(self, seen: _Seen) -> Loading:
        return Loading(
            model=self.model,
            store=self.means.store,
            before=seen.resident,
            fits=seen.fits,
            ceiling_s=self.means.ceiling_s,
        )

    def _with_lane(self, holder: Holder) -> Answer:
        """(4) to (6); the lane goes to the keeper, or back."""
        host = self.call.target.host
        try:
            seen = self._look(mine=holder)  # (4)
            answer = self._answer(seen)
            if answer is None:
                self._refuse_if_in_use(seen)  # (5)
        except BaseException:
            self.means.store.release_lane(host, holder)
            raise
        if answer is not None:
            self.means.store.release_lane(host, holder)
            return answer
        return self._load(holder, seen)  # (6)

    def _refuse_if_in_use(self, seen: _Seen) -> None:
        resident = seen.resident
        if (
            resident is not None
            and not seen.fits
            and residency.is_busy(resident, seen.view)
        ):
            raise InUse(
                f"{self.call.target.model!r} is busy on {self.means.ollama.shown} with "
                f"context {resident.context_length}: loading it with other options "
                "would make its users wait; send what they send, or try again when it "
                "is idle"
            )

    def _load(self, holder: Holder, seen: _Seen) -> Answer:
        """Hand the load to a keeper, and wait as long as this run may."""
        store, host = self.means.store, self.call.target.host

        def tell(end: Warmth | WarmupError, now: float) -> LoadRecord:
            jitter = int(holder.nonce[:8], 16) / 0xFFFFFFFF
            record = failures.record_of(
                end, holder=holder, before=seen.record, now=now, jitter=jitter
            )
            if not isinstance(end, OllamaDown):  # nothing was sent: no load failed
                store.write_record(host, holder.key, record)
            return record

        load = Load(
            host=host,
            holder=holder,
            run=self._loading(seen).run,
            tell=tell,
            after=partial(self.means.announce, host),
        )
        keeper = Keeper(load, store=store)
        keeper.start()
        began = self.means.clock.monotonic()
        elapsed_s = 0.0
        while elapsed_s < self.call.patience_s:
            self.means.say(elapsed_s, holder.expected_s)
            if keeper.wait(min(SAY_S, self.call.patience_s - elapsed_s)):
                return self._ended(keeper, holder)
            elapsed_s = self.means.clock.monotonic() - began
        return Queued(waiting_since=self.since or holder.began_at)

    def _ended(self, keeper: Keeper[Warmth, LoadRecord], holder: Holder) -> Answer:
        end, record = keeper.end()
        if isinstance(end, Warmth):
            how = How.LOADED if end.load_s else How.ALREADY_WARM
            return self._outcome(how, end, attempts=record.attempt)
        if record.is_final:
            return Failed(error=end)
        return TryAgain(
            error=end,
            countdown_s=record.blocked_until - record.ended_at,
            waiting_since=self.since or holder.began_at,
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
