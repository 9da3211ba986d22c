"""The loaded models: who uses them, what they work on, and when they go."""

from collections.abc import Iterator

from worker.simulator.physics.events import (
    Event,
    Failed,
    Failure,
    Finished,
    Granted,
    Mishaps,
    Resident,
    Started,
)
from worker.simulator.physics.ledger import Ledger, Why
from worker.simulator.physics.models import Model
from worker.simulator.physics.runner import Request, Runner


class Memory:
    """Runners by blob. It makes no decision about loads: the scheduler does."""

    def __init__(self, *, mishaps: Mishaps) -> None:
        """Start empty."""
        self.ledger = Ledger()
        self.events: list[Event] = []
        self.requests: dict[int, Request] = {}
        """Requests that nobody has answered yet, by ticket."""
        self.unloads = 0
        """Unload events that the queue has not looked at."""
        self._mishaps = mishaps
        self._runners: dict[str, Runner] = {}
        self._freed_at: list[float] = []
        """When the memory of what has just gone is free."""

    def __len__(self) -> int:
        return len(self._runners)

    def find(self, model: Model) -> Runner | None:
        """The runner of a model's blob, which another name may have loaded."""
        return self._runners.get(model.weights.path)

    def add(self, runner: Runner) -> None:
        """A load has ended."""
        self._runners[runner.model.weights.path] = runner

    def use(self, runner: Runner, request: Request, *, now: float) -> None:
        """Serve a request: at once when it has no work, else when a slot is free.

        A caller that has hung up in the meantime leaves at once.

        Source: useLoadedRunner; `server/routes.go`, GenerateHandler.
        """
        runner.take(request)
        if request.is_gone:
            self.leave(runner, request, now=now)
            return
        self.events.append(Granted(ticket=request.ticket, at=now))
        if request.inference is None:
            self._finish(runner, request, now=now)
            return
        runner.queue.append(request)
        self._start_work(runner, now=now)

    def leave(self, runner: Runner, request: Request, *, now: float) -> None:
        """A request is over: the last one starts the timer, or ends the runner.

        Source: processCompleted.
        """
        runner.leave(request)
        self._start_work(runner, now=now)
        if runner.users == 0 and not runner.rest(now=now):
            self._drop(runner, now=now)

    def fail(self, request: Request, failure: Failure, *, now: float) -> None:
        """Answer a request with an error."""
        del self.requests[request.ticket]
        self.events.append(Failed(ticket=request.ticket, at=now, failure=failure))

    def doom(
        self, runner: Runner, why: Why, *, now: float, evicted_for: str | None = None
    ) -> None:
        """Let a runner go now, or as soon as it is idle."""
        runner.doom(why, evicted_for=evicted_for)
        if runner.users == 0:
            self._drop(runner, now=now)

    def doom_all(self, *, now: float, evicted_for: str) -> int:
        """Let every runner go; how many there are.

        Source: evictAllAndWait.
        """
        runners = list(self._runners.values())
        for runner in runners:
            self.doom(runner, Why.EVICTED, now=now, evicted_for=evicted_for)
        return len(runners)

    def crash(self, runner: Runner, *, now: float) -> None:
        """Kill a runner: its work fails, yet it stays listed."""
        runner.is_crashed = True
        in_slots = [self.requests[ticket] for ticket in runner.ends_at]
        for request in [*runner.queue, *in_slots]:
            self.fail(request, Failure.RUNNER_STOPPED, now=now)
            self.leave(runner, request, now=now)

    def victim(self) -> Runner:
        """The idle runner with the shortest keep-alive, else the shortest of all.

        Source: findRunnerToUnload.
        """
        in_order = sorted(self._runners.values(), key=lambda r: r.victim_order)
        return next((r for r in in_order if r.users == 0), in_order[0])

    def advance(self, *, now: float) -> None:
        """End the work, the stays and the unloads that end by now."""
        for runner in list(self._runners.values()):
            for ticket in runner.done(now=now):
                self._finish(runner, self.requests[ticket], now=now)
            if runner.timer_at is not None and runner.timer_at <= now:
                self._drop(runner, now=now)
        freed = [at for at in self._freed_at if at <= now]
        self._freed_at = [at for at in self._freed_at if at > now]
        self.unloads += len(freed)

    def due(self) -> Iterator[float]:
        """Every instant at which something ends by itself."""
        yield from self._freed_at
        for runner in self._runners.values():
            yield from runner.ends_at.values()
            if runner.timer_at is not None:
                yield runner.timer_at

    def residents(self, *, now: float) -> Iterator[Resident]:
        """The rows of `/api/ps`, in the order of loading."""
        for runner in self._runners.values():
            yield Resident(
                model=runner.model,
                launched=runner.launched,
                expires_at=runner.shown_expiry(now=now),
                is_busy=runner.users > 0,
            )

    def _start_work(self, runner: Runner, *, now: float) -> None:
        slowness = self._mishaps.slowness(runner.model)
        for request, prompt_s, token_s in runner.start_work(now=now, slowness=slowness):
            self.events.append(
                Started(
                    ticket=request.ticket, at=now, prompt_s=prompt_s, token_s=token_s
                )
            )

    def _finish(self, runner: Runner, request: Request, *, now: float) -> None:
        del self.requests[request.ticket]
        self.events.append(Finished(ticket=request.ticket, at=now))
        self.leave(runner, request, now=now)

    def _drop(self, runner: Runner, *, now: float) -> None:
        del self._runners[runner.model.weights.path]
        if runner.model.weights.unload_s > 0:
            self._freed_at.append(now + runner.model.weights.unload_s)
        else:
            self.unloads += 1
        self.ledger.left(
            runner.stay, runner.why, now=now, evicted_for=runner.evicted_for
        )
