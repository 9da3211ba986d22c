"""Use case: one call wants one target warm.

Called by the task `ollama.warmup`, in any number of processes at once: one load
serves all callers of a target, and one load of ours at a time is in flight on a
host. It decides here; `worker.loading` sends, `worker.keeper` holds, and
`worker.core` judges.
"""

import logging
import math
import uuid
from dataclasses import dataclass, field, replace
from functools import partial

from ollama_warmup.errors import InUse, OllamaDown, Refused, WarmupError
from ollama_warmup.target import Target
from worker.adapters.ollama import Ollama
from worker.call import Answer, Call, Failed, Means, Queued, TryAgain
from worker.core import counting, estimates, failures, residency
from worker.core.domain import (
    Holder,
    How,
    LoadRecord,
    Outcome,
    Resident,
    Warmth,
)
from worker.keeper import Keeper, Load
from worker.loading import Loading
from worker.looking import Look, ended
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
            if (answer := seen.answer()) is not None:  # (1), (2)
                return self._after_pause(answer)
            if seen.holder is None:
                holder = self._holder(seen)
                if store.take_lane(host, holder):
                    return self._with_lane(holder)
            since = self._wait_for(seen.holder)  # (3)
            while store.holder(host) is not None:
                if clock.monotonic() >= gives_up_at:
                    return Queued(waiting_since=since)
                clock.sleep(LOOK_S)

    def _look(self, *, mine: Holder | None = None) -> Look:
        """See what there is; nothing is resident while another load is to prove it."""
        target, store = self.call.target, self.means.store
        view = self.means.ollama.view()
        record, holder = store.read(target.host, target.key)
        look = Look(
            call=self.call, since=self.since, now=store.now(), view=view, holder=holder
        )
        if holder is not None and holder != mine and holder.key == target.key:
            return look
        resident = self.model.find(view)
        return replace(
            look,
            record=record,
            resident=resident,
            fits=resident is not None and self.model.is_warm(resident, view),
            hides_options=self.model.hides_options,
        )

    def _wait_for(self, holder: Holder | None) -> float:
        """Wait from now on, if not yet; say how far the load is, if it is ours, too."""
        now = self.means.store.now()
        if holder is not None and holder.key == self.call.target.key:
            self.means.say(now - holder.began_at, holder.expected_s)
        self.since = now if self.since is None else self.since
        return self.since

    def _after_pause(self, answer: Outcome | Failed | Queued) -> Answer:
        """Hold the slot a moment for a target that nobody may load yet."""
        if isinstance(answer, Queued) and answer.pause_s:
            self.means.clock.sleep(min(answer.pause_s, LANE_WAIT_S))
        return answer

    def _holder(self, seen: Look) -> Holder:
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
            late_s=loading.late_after_s(history),
        )

    def _loading(self, seen: Look) -> Loading:
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
            answer = seen.answer()
            if answer is None:
                self._refuse_if_in_use(seen)  # (5)
        except BaseException:
            self.means.store.release_lane(host, holder)
            raise
        if answer is not None:
            self.means.store.release_lane(host, holder)
            return self._after_pause(answer)
        return self._load(holder, seen)  # (6)

    def _refuse_if_in_use(self, seen: Look) -> None:
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

    def _load(self, holder: Holder, seen: Look) -> Answer:
        """Hand the load to a keeper, and wait as long as this run may."""
        store, host = self.means.store, self.call.target.host

        def tell(end: Warmth | WarmupError, now: float) -> LoadRecord:
            jitter = int(holder.nonce[:8], 16) / 0xFFFFFFFF
            record = failures.record_of(
                end, holder=holder, before=seen.record, now=now, jitter=jitter
            )
            if not isinstance(end, OllamaDown):  # nothing was sent: no load failed
                adds = counting.of_load(
                    end,
                    holder=holder,
                    host=host,
                    model=self.call.counted_as,
                    is_gentle=self.call.is_gentle,
                )
                store.write_record(host, holder.key, record, adds=adds)
            return record

        load = Load(
            host=host,
            holder=holder,
            run=replace(self._loading(seen), late_s=holder.late_s or math.inf).run,
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
            return ended(self.call.target, how, end, attempts=record.attempt)
        if record.is_final:
            return Failed(error=end)
        return TryAgain(
            error=end,
            countdown_s=record.blocked_until - record.ended_at,
            waiting_since=self.since or holder.began_at,
        )
