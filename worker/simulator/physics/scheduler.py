"""Ollama's scheduler: one serial queue of loads in front of the loaded models."""

import itertools
from collections import deque

from worker.simulator.physics.events import (
    Event,
    Failure,
    Mishaps,
    NoMishaps,
    Resident,
)
from worker.simulator.physics.launching import lower_auto_context
from worker.simulator.physics.ledger import Ledger, Why
from worker.simulator.physics.loading import Head, Stage
from worker.simulator.physics.memory import Memory
from worker.simulator.physics.models import Model
from worker.simulator.physics.options import ServerSettings, Wanted
from worker.simulator.physics.runner import Inference, Request, Runner


class Scheduler:
    """Decides what is in memory; time is an argument and never goes back.

    Call `advance` no later than `next_event_at`, and collect what happened with
    `take_events` after every call.

    Source: `server/sched.go` throughout.
    """

    def __init__(
        self, settings: ServerSettings, *, mishaps: Mishaps | None = None
    ) -> None:
        """Start with nothing loaded at instant 0."""
        self.settings = settings
        """May be replaced at any time; what is loaded stays as it was started."""
        self._mishaps = mishaps or NoMishaps()
        self._memory = Memory(mishaps=self._mishaps)
        self._queue: deque[Request] = deque()
        self._head: Head | None = None
        self._tickets = itertools.count(1)
        self._now = 0.0

    @property
    def ledger(self) -> Ledger:
        """What happened so far."""
        return self._memory.ledger

    @property
    def is_waiting(self) -> bool:
        """Whether the head of the queue waits for a model to go."""
        return self._head is not None and self._head.stage is Stage.WAITING

    @property
    def is_loading(self) -> bool:
        """Whether a load is under way."""
        return self._head is not None and self._head.stage is Stage.LOADING

    def submit(
        self,
        model: Model,
        wanted: Wanted,
        *,
        now: float,
        keep_alive_s: float | None = None,
        inference: Inference | None = None,
    ) -> int:
        """Ask for a runner, and for work on it.

        (1) A loaded model that fits the options serves at once, even while another
            is loading.
        (2) A full queue refuses.
        (3) Everything else waits its turn.

        Returns:
            A ticket; its events end with Finished or Failed.

        Source: getRunner.
        """
        self.advance(now)
        request = Request(
            ticket=next(self._tickets),
            model=model,
            wanted=wanted,
            keep_alive_s=keep_alive_s,
            inference=inference,
        )
        self._memory.requests[request.ticket] = request
        runner = self._memory.find(model)
        if runner and runner.fits(wanted, legacy=self.settings.legacy):  # (1)
            self._memory.use(runner, request, now=self._now)
        elif self._head and len(self._queue) >= self.settings.max_queue:  # (2)
            self._memory.fail(request, Failure.QUEUE_FULL, now=self._now)
        else:  # (3)
            self._queue.append(request)
        self._work_queue()
        return request.ticket

    def disconnect(self, ticket: int, *, now: float) -> None:
        """The caller hung up; nothing happens if it was answered already.

        (1) Its load, if it runs, dies with it.
        (2) Its work and its place in line for a slot are given up.
        (3) Still queued, it is passed over in its turn; until then it counts
            against the length of the queue.

        Source: `llm/llama_server.go`, WaitUntilRunning; processPending.
        """
        self.advance(now)
        request = self._memory.requests.pop(ticket, None)
        if request is None:
            return
        request.is_gone = True
        if self._head and self._head.is_loading(request):  # (1)
            self.ledger.counts.cancelled_loads += 1
            self._head = None
        elif request.runner:  # (2)
            self._memory.leave(request.runner, request, now=self._now)
        self._work_queue()  # (3)

    def unload(self, model: Model, *, now: float) -> None:
        """Let a model go now, or after its work; one that only loads stays.

        Source: expireRunner.
        """
        self.advance(now)
        runner = self._memory.find(model)
        if runner:
            runner.expires_at = self._now
            self._memory.doom(runner, Why.UNLOADED, now=self._now)
        self._work_queue()

    def crash(self, model: Model, *, now: float) -> bool:
        """Kill a model's runner; False when it is not loaded."""
        self.advance(now)
        runner = self._memory.find(model)
        if runner:
            self._memory.crash(runner, now=self._now)
        self._work_queue()
        return runner is not None

    def advance(self, now: float) -> None:
        """Let everything happen that is due until `now`, in order."""
        while (at := self.next_event_at()) is not None and at <= now:
            self._now = max(self._now, at)
            self._memory.advance(now=self._now)
            if self._head and self._head.is_due(self._now):
                self._end_load(self._head)
            self._work_queue()
        self._now = max(self._now, now)

    def next_event_at(self) -> float | None:
        """When to look again; None when nothing happens by itself."""
        due = list(self._memory.due())
        if self._head and self._head.stage is Stage.LOADING:
            due.append(self._head.load_ends_at)
        return min(due, default=None)

    def take_events(self) -> list[Event]:
        """Hand over what happened since the last call, in order."""
        events, self._memory.events = self._memory.events, []
        return events

    def residents(self, *, now: float) -> tuple[Resident, ...]:
        """What `/api/ps` lists, the longest to stay first.

        A model is listed once it is loaded (legacy: while it loads), under the
        name that loaded it, and stays listed when its runner has died.

        Source: loadedModels; `server/routes.go`, PsHandler.
        """
        self.advance(now)
        listed = list(self._memory.residents(now=self._now))
        if self.settings.legacy and self._head and self._head.stage is Stage.LOADING:
            runner = Runner.start(
                self._head.request, settings=self.settings, now=self._now
            )
            listed.append(
                Resident(
                    model=runner.model,
                    launched=runner.launched,
                    expires_at=runner.shown_expiry(now=self._now),
                    is_busy=True,
                )
            )
        return tuple(sorted(listed, key=lambda row: -int(row.expires_at)))

    def _work_queue(self) -> None:
        """Serve the head of the queue, and the next, until one has to wait.

        Source: processPending.
        """
        while True:
            if self._head is None:
                self._memory.unloads = 0
                if not self._queue:
                    return
                request = self._queue.popleft()
                self._head = None if request.is_gone else Head(request=request)
            elif self._head.stage is Stage.PLACING:
                self._place(self._head)
            elif self._head.stage is Stage.WAITING and self._memory.unloads:
                self._memory.unloads -= 1
                self._head.count_unload()
            else:
                return

    def _place(self, head: Head) -> None:
        """Find room for one request.

        (1) Loaded and fitting: use it.
        (2) Loaded with other options, or dead: it must go first.
        (3) No room: the victim must go first.
        (4) Otherwise load.

        (2) and (3) wait for *any* model to go and then look again.
        """
        request = head.request
        runner = self._memory.find(request.model)
        if runner and runner.fits(request.wanted, legacy=self.settings.legacy):  # (1)
            self._head = None
            self._memory.use(runner, request, now=self._now)
        elif runner:  # (2)
            head.wait()
            why = Why.CRASHED if runner.is_crashed else Why.RELOADED
            self._memory.doom(runner, why, now=self._now)
        elif len(self._memory) >= self.settings.max_loaded_models:  # (3)
            head.wait()
            self._memory.doom(
                self._memory.victim(),
                Why.EVICTED,
                now=self._now,
                evicted_for=request.model.name.short,
            )
        else:  # (4)
            self._start_load(head)

    def _start_load(self, head: Head) -> None:
        """Start a runner; one whose caller has hung up is stopped at once.

        Source: load; `llm/llama_server.go`, WaitUntilRunning.
        """
        self.ledger.counts.loads += 1
        if head.request.is_gone:
            self.ledger.counts.cancelled_loads += 1
            self._head = None
            return
        model = head.request.model
        fails = self._mishaps.out_of_memory(model)
        load_s = model.weights.load_s * self._mishaps.slowness(model)
        head.load(ends_at=self._now + load_s, runs_out_of_memory=fails)

    def _end_load(self, head: Head) -> None:
        if head.runs_out_of_memory:
            self._retry(head)
            return
        self._head = None
        runner = Runner.start(head.request, settings=self.settings, now=self._now)
        self.ledger.stays.append(runner.stay)
        self._memory.add(runner)
        self._memory.use(runner, head.request, now=self._now)

    def _retry(self, head: Head) -> None:
        """Answer a load that ran out of memory.

        (1) Once: lower an automatic context, evict all others, load again.
        (2) Once: evict all others, if there are any, and load again.
        (3) Otherwise fail.

        Source: load and processPending.
        """
        request = head.request
        self.ledger.counts.failed_loads += 1
        lower = lower_auto_context(
            request.wanted, train_context=request.model.weights.train_context
        )
        if request.has_retried or not (lower or len(self._memory)):  # (3)
            self._head = None
            self._memory.fail(request, Failure.OUT_OF_MEMORY, now=self._now)
            return
        request.has_retried = True
        request.wanted = lower or request.wanted  # (1)
        head.wait(  # (2)
            unloads=self._memory.doom_all(
                now=self._now, evicted_for=request.model.name.short
            )
        )
