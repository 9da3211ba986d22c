"""Use case: one call wants one target warm.

Called by the task `ollama.warmup`, in any number of processes at once: one load
serves all callers of a target, and one load of ours at a time is in flight on a
host. `worker.core.warm_decision` decides, `worker.loading` sends, `worker.keeper`
holds the load.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ollama_warmup.durations import format_short
from ollama_warmup.errors import InUse, Refused
from ollama_warmup.target import Target
from worker import loading
from worker.core import estimates, residency, warm_decision
from worker.core.calls import Call, Failed, Queued, RunResult, TryAgain
from worker.core.domain import Holder, How, LoadRecord, Outcome, Resident, Warmth
from worker.core.warm_decision import TargetSnapshot
from worker.deps import Deps
from worker.keeper import Keeper
from worker.loading import LoadJob
from worker.model import Model
from worker.ports import ModelServer

logger = logging.getLogger(__name__)

LANE_WAIT_S = 1.0
"""How long a call holds its slot for a lane that another load has, seconds."""
LOOK_S = 0.1
"""Between two looks at a held lane, seconds."""
PROGRESS_S = 1.0
"""Between two reports of progress, seconds."""

OnProgress = Callable[[float, float | None], None]
"""Takes the seconds since a load began, and those expected (None = no history)."""


def make_warm(call: Call, deps: Deps, *, on_progress: OnProgress) -> RunResult:
    """Have the target loaded with exactly its runner options, and verified.

    (1) Warm as far as a view can be believed: answer; so does a gentle call of a
        model that is loaded with other options.
    (2) Its last load failed: the calls that waited for it get its error; while no
        call may load, every call does, or waits if a retry is due.
    (3) Another load has the lane: wait a moment, then go to the tail of the queue.
    (4) With the lane taken, look once more as in (1) and (2).
    (5) An application is using the model with other options: refuse.
    (6) Load, and wait for it as long as this run may.

    Raises:
        WarmupError: this run could not even try: `InUse`, `Refused` for a cloud
            model, `StoreUnavailable`, and what `ModelServer` raises.
    """
    server = deps.server(call.target.host)
    model = Model(call.target, server)
    return _Run(call=call, deps=deps, model=model, on_progress=on_progress).answer()


def find_resident(target: Target, server: ModelServer) -> Resident | None:
    """The resident that serves the target's model now, under whatever name.

    Its options may differ from the target's. Raises what `server` raises.
    """
    return Model(target, server).find(server.view())


@dataclass(slots=True, kw_only=True)
class _Run:
    """One run of `make_warm`."""

    call: Call
    deps: Deps
    model: Model
    on_progress: OnProgress
    since: float | None = field(init=False)
    """Since when this call waits, by the store's clock; None = it does not."""

    def __post_init__(self) -> None:
        self.since = self.call.waiting_since

    def answer(self) -> RunResult:
        clock, store, host = self.deps.clock, self.deps.store, self.call.target.host
        gives_up_at = clock.monotonic() + LANE_WAIT_S
        while True:
            snapshot = self._look()
            if (answer := snapshot.answer()) is not None:  # (1), (2)
                return self._after_pause(answer)
            if snapshot.holder is None:
                holder = self._holder()
                if store.take_lane(host, holder):
                    return self._with_lane(holder)
            since = self._wait_for(snapshot.holder)  # (3)
            while store.holder(host) is not None:
                if clock.monotonic() >= gives_up_at:
                    return Queued(waiting_since=since)
                clock.sleep(LOOK_S)

    def _look(self, *, mine: Holder | None = None) -> TargetSnapshot:
        """Look once; nothing is resident while another load is to prove it."""
        target, store = self.call.target, self.deps.store
        view = self.model.server.view()
        record, holder = store.read(target.host, target.key)
        snapshot = TargetSnapshot(
            call=self.call, since=self.since, now=store.now(), view=view, holder=holder
        )
        if holder is not None and holder != mine and holder.key == target.key:
            return snapshot
        resident = self.model.find(view)
        return replace(
            snapshot,
            record=record,
            resident=resident,
            fits=resident is not None and self.model.is_warm(resident, view),
            hides_options=self.model.hides_options,
        )

    def _wait_for(self, holder: Holder | None) -> float:
        """Wait from now on, if not yet; report how far its own load is."""
        now = self.deps.store.now()
        if holder is not None and holder.key == self.call.target.key:
            self.on_progress(now - holder.began_at, holder.expected_s)
        self.since = now if self.since is None else self.since
        return self.since

    def _after_pause(self, answer: Outcome | Failed | Queued) -> RunResult:
        """Hold the slot a moment for a target that no call may load yet."""
        if isinstance(answer, Queued):
            self.deps.clock.sleep(min(answer.pause_s, LANE_WAIT_S))
        elif isinstance(answer, Outcome):
            _log(self.call.target, answer)
        return answer

    def _holder(self) -> Holder:
        if self.model.info.is_remote:
            raise Refused(
                f"{self.call.target.model!r} stands for a model in Ollama's cloud: "
                "there is nothing to warm"
            )
        store = self.deps.store
        history = loading.history(self.model, store)
        return Holder(
            nonce=self.deps.nonce(),
            key=self.call.target.key,
            task_id=self.call.task_id,
            process=self.call.process,
            began_at=store.now(),
            expected_s=estimates.expected_s(history),
            late_s=loading.late_after_s(self.model, store, history=history),
        )

    def _with_lane(self, holder: Holder) -> RunResult:
        """(4) to (6); the lane goes to the keeper, or back."""
        host = self.call.target.host
        try:
            snapshot = self._look(mine=holder)  # (4)
            answer = snapshot.answer()
            if answer is None:
                self._refuse_if_in_use(snapshot)  # (5)
        except BaseException:
            self.deps.store.release_lane(host, holder)
            raise
        if answer is not None:
            self.deps.store.release_lane(host, holder)
            return self._after_pause(answer)
        return self._load(holder, snapshot)  # (6)

    def _refuse_if_in_use(self, snapshot: TargetSnapshot) -> None:
        if (used := snapshot.used_otherwise) is not None:
            raise InUse(
                f"{self.call.target.model!r} is busy on {self.model.server.shown} with "
                f"context {used.context_length}: loading it with other "
                "options would make its users wait; send what they send, or try again "
                "when it is idle"
            )

    def _load(self, holder: Holder, snapshot: TargetSnapshot) -> RunResult:
        """Hand the load to a keeper, and wait as long as this run may."""
        clock = self.deps.clock
        job = LoadJob(
            snapshot=snapshot, holder=holder, model=self.model, deps=self.deps
        )
        keeper = Keeper(job, self.deps)
        keeper.start()
        began = now = clock.monotonic()
        gives_up_at = began + self.call.patience_s
        while now < gives_up_at:
            self.on_progress(now - began, holder.expected_s)
            if keeper.wait(min(PROGRESS_S, gives_up_at - now)):
                return self._ended(keeper, holder)
            now = clock.monotonic()
        return Queued(waiting_since=self.since or holder.began_at)

    def _ended(self, keeper: Keeper[Warmth, LoadRecord], holder: Holder) -> RunResult:
        end, record = keeper.end()
        if isinstance(end, Warmth):
            how = How.LOADED if end.load_s else How.ALREADY_WARM
            return warm_decision.ended(
                self.call.target, how, end, attempts=record.attempt
            )
        if record.is_final:
            return Failed(error=end)
        return TryAgain(
            error=end,
            countdown_s=record.blocked_until - record.ended_at,
            waiting_since=self.since or holder.began_at,
        )


def _log(target: Target, outcome: Outcome) -> None:
    """Log why a call needed no load, but not that it waited for one."""
    warmth = outcome.warmth
    context = warmth.resident.context_length
    if outcome.how is How.DRIFTED:
        logger.info(
            "Model left as it is: %s (loaded with context_length %s, not as wanted)",
            target.model,
            context,
        )
    elif outcome.how is How.ALREADY_WARM:
        left_s = warmth.left.total_seconds()
        stay = (
            "stays"
            if residency.is_forever(warmth.left)
            else f"expires in {format_short(left_s)}"
            if left_s > 0
            else "busy"
        )
        logger.info(
            "Model already warm: %s (context_length: %s, %s)",
            target.model,
            context,
            stay,
        )
