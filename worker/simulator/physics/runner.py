"""A loaded model: who uses it, which work has a slot, and when it expires."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from worker.simulator.physics.launching import (
    Launched,
    launch,
    needs_reload,
    parallel,
)
from worker.simulator.physics.ledger import Stay, Why
from worker.simulator.physics.models import Model
from worker.simulator.physics.options import ServerSettings, Wanted

COLD_FACTOR = 5.0
"""How much slower a fresh runner reads its first prompt.

The first token after a load-only warm-up then takes three times as long as in
steady state; measured on servers of 0.33: 1.0 to 4.5 times, by model and prompt.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """Work that needs a slot: prompts to read, then tokens to write."""

    tokens: int
    prompts: int = 1


@dataclass(slots=True, kw_only=True)
class Request:
    """One request, from its arrival until its handler returns."""

    ticket: int
    model: Model
    wanted: Wanted
    keep_alive_s: float | None
    inference: Inference | None
    runner: "Runner | None" = None
    is_gone: bool = False
    """Whether the caller has hung up."""
    has_retried: bool = False
    """Whether running out of memory was answered with a second attempt."""


@dataclass(slots=True, kw_only=True)
class Runner:
    """The process that serves one blob."""

    model: Model
    launched: Launched
    keep_alive_s: float
    slots: int
    stay: Stay
    users: int = 0
    """Requests in flight, with or without a slot; above 0 nothing unloads it."""
    expires_at: float | None = None
    """What `/api/ps` shows; None until it is idle for the first time."""
    timer_at: float | None = None
    why: Why = Why.EXPIRED
    """Why it will go."""
    evicted_for: str | None = None
    is_crashed: bool = False
    is_cold: bool = True
    queue: deque[Request] = field(default_factory=deque)
    """Who waits for a slot, in order and without limit."""
    ends_at: dict[int, float] = field(default_factory=dict)
    """When the work in each slot ends, by ticket."""

    @classmethod
    def start(
        cls, request: Request, *, settings: ServerSettings, now: float
    ) -> "Runner":
        """Start the process that a request needs.

        Source: `server/sched.go`, load: without a keep-alive of its own the request
        brings the server's.
        """
        launched = launch(request.model, request.wanted, settings=settings)
        keep_alive_s = request.keep_alive_s
        if keep_alive_s is None:
            keep_alive_s = settings.keep_alive_s
        return cls(
            model=request.model,
            launched=launched,
            keep_alive_s=settings.keep_alive_s
            if keep_alive_s is None
            else keep_alive_s,
            slots=parallel(request.model, settings),
            stay=Stay(
                name=request.model.name.short,
                digest=request.model.weights.digest,
                options=launched.options,
                context_length=launched.context_length,
                loaded_at=now,
            ),
        )

    def fits(self, wanted: Wanted, *, legacy: bool) -> bool:
        """Whether it is alive and was started with what is wanted.

        Source: `server/sched.go`, needsReload.
        """
        return not self.is_crashed and not needs_reload(
            self.launched,
            wanted,
            train_context=self.model.weights.train_context,
            legacy=legacy,
        )

    def take(self, request: Request) -> None:
        """Begin to serve: stop the timer; an explicit keep-alive replaces ours.

        It does so even when the runner is about to be evicted: that is the wedge.

        Source: `server/sched.go`, useLoadedRunner.
        """
        request.runner = self
        self.users += 1
        self.timer_at = None
        if request.keep_alive_s is not None:
            self.keep_alive_s = request.keep_alive_s
            self.why, self.evicted_for = Why.EXPIRED, None

    def leave(self, request: Request) -> None:
        """Stop serving, and give up the slot or the place in line for one."""
        self.users -= 1
        self.ends_at.pop(request.ticket, None)
        if request in self.queue:
            self.queue.remove(request)

    def doom(self, why: Why, *, evicted_for: str | None = None) -> None:
        """Have it go as soon as it is idle.

        Source: `server/sched.go`, processPending and expireRunner.
        """
        self.timer_at = None
        self.keep_alive_s = 0
        self.why, self.evicted_for = why, evicted_for

    def rest(self, *, now: float) -> bool:
        """Start the timer of an idle runner; False when it is to go at once.

        Source: `server/sched.go`, processCompleted.
        """
        if self.keep_alive_s <= 0:
            return False
        self.timer_at = self.expires_at = now + self.keep_alive_s
        return True

    def start_work(
        self, *, now: float, slowness: float
    ) -> Iterator[tuple[Request, float, float]]:
        """Give free slots to those who wait longest.

        Yields:
            The request, the seconds that its prompt takes and those of a token.
        """
        while self.queue and len(self.ends_at) < self.slots:
            request = self.queue.popleft()
            work = request.inference or Inference(tokens=0, prompts=0)
            token_s = self.model.weights.token_s * slowness
            prompts: float = work.prompts
            if self.is_cold and prompts:
                prompts += COLD_FACTOR - 1
                self.is_cold = False
            prompt_s = prompts * token_s
            self.ends_at[request.ticket] = now + prompt_s + work.tokens * token_s
            yield request, prompt_s, token_s

    def done(self, *, now: float) -> list[int]:
        """The tickets whose work has ended by now."""
        return [ticket for ticket, ends_at in self.ends_at.items() if ends_at <= now]

    def shown_expiry(self, *, now: float) -> float:
        """When `/api/ps` says that it expires: an estimate during its first work.

        Source: `server/sched.go`, loadedModels.
        """
        return now + self.keep_alive_s if self.expires_at is None else self.expires_at

    @property
    def victim_order(self) -> tuple[bool, float, str]:
        """Shortest keep-alive first, overflown ones last, ties by blob path.

        Source: `server/sched.go`, ByDurationAndName.
        """
        return self.keep_alive_s < 0, self.keep_alive_s, self.model.weights.path
