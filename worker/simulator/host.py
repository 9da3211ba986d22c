"""One simulated Ollama server: its state, and the physics driven by asyncio."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from worker.simulator.clock import Clock
from worker.simulator.errors import (
    BUSY,
    OUT_OF_MEMORY,
    RUNNER_STOPPED,
    HttpError,
)
from worker.simulator.faults import Faults, Kind
from worker.simulator.physics.downloads import Downloads
from worker.simulator.physics.events import (
    Event,
    Failed,
    Failure,
    Finished,
    Granted,
    Resident,
    Started,
)
from worker.simulator.physics.library import Library
from worker.simulator.physics.models import Model
from worker.simulator.physics.options import ServerSettings, Wanted
from worker.simulator.physics.runner import Inference
from worker.simulator.physics.scheduler import Scheduler
from worker.simulator.visitors import Asked, caller

_FAILURES = {
    Failure.QUEUE_FULL: (503, BUSY),
    Failure.OUT_OF_MEMORY: (500, OUT_OF_MEMORY),
    Failure.RUNNER_STOPPED: (500, RUNNER_STOPPED),
}

_E = TypeVar("_E", bound=Event)
_REMEMBERED = 1000


class Door(Protocol):
    """A port that faults can close."""

    async def open(self) -> None:
        """Accept connections; nothing to do when it does."""

    def shut(self) -> None:
        """Refuse connections, and drop those that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """What a simulated server is started with."""

    settings: ServerSettings = field(default_factory=ServerSettings)
    models: Sequence[Model] = ()
    registry: Sequence[Model] | None = None
    """What a pull finds; None is a server without a network."""
    is_cloud_disabled: bool = False
    speed: float = 1.0


class Session:
    """A request's stay with the scheduler, from its arrival to its end."""

    def __init__(self, clock: Clock, asked: Asked) -> None:
        """Nothing has happened yet."""
        self._asked = asked
        self._clock = clock
        self._seen: dict[type, Event] = {}
        self._changed = asyncio.Event()

    def tell(self, event: Event) -> None:
        """Something has happened to the request."""
        if isinstance(event, Granted):
            self._asked.granted_at = event.at
        self._seen[type(event)] = event
        self._changed.set()

    async def granted(self) -> float:
        """Wait for a runner; the instant at which it was handed over."""
        return (await self._event(Granted)).at

    async def started(self) -> Started:
        """Wait for a slot."""
        return await self._event(Started)

    async def finished(self) -> float:
        """Wait for the end of the work; the instant at which it came."""
        return (await self._event(Finished)).at

    async def sleep_until(self, instant: float) -> None:
        """Wait, unless the request fails before; others always get their turn."""
        await asyncio.sleep(0)
        while (left_s := self._clock.real_s(instant)) > 0:
            self._raise_failure()
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout=left_s)
        self._raise_failure()

    async def _event(self, kind: type[_E]) -> _E:
        while not isinstance(event := self._seen.get(kind), kind):
            self._raise_failure()
            self._changed.clear()
            await self._changed.wait()
        return event

    def _raise_failure(self) -> None:
        failed = self._seen.get(Failed)
        if isinstance(failed, Failed):
            raise HttpError(*_FAILURES[failed.failure])


class Host:
    """A server's models, scheduler, clock, faults and counts."""

    def __init__(self, config: HostConfig) -> None:
        """Start with nothing loaded."""
        self.config = config
        self.clock = Clock(speed=config.speed)
        self.faults = Faults()
        self.library = Library(config.models, registry=config.registry)
        self.downloads = Downloads()
        self.scheduler = Scheduler(config.settings, mishaps=self.faults)
        self.requests: Counter[str] = Counter()
        """Requests by path."""
        self.asked: deque[Asked] = deque(maxlen=_REMEMBERED)
        """The last requests for runners, and to let a model go; the oldest first."""
        self.door: Door | None = None
        """Its port; None when nobody could open it again."""
        self._sessions: dict[int, Session] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_legacy(self) -> bool:
        """Whether it behaves like 0.24."""
        return self.scheduler.settings.legacy

    @asynccontextmanager
    async def session(
        self,
        model: Model,
        wanted: Wanted,
        *,
        keep_alive_s: float | None,
        inference: Inference | None,
    ) -> AsyncIterator[Session]:
        """Stand in line for a runner; leaving early is hanging up."""
        asked = self._note(model, keep_alive_s, infers=inference is not None)
        session = Session(self.clock, asked)
        ticket = self.scheduler.submit(
            model,
            wanted,
            now=self.clock.now(),
            keep_alive_s=keep_alive_s,
            inference=inference,
        )
        self._sessions[ticket] = session
        self._tell()
        try:
            yield session
        finally:
            del self._sessions[ticket]
            asked.ended_at = self.clock.now()
            self.scheduler.disconnect(ticket, now=self.clock.now())
            self._tell()

    def unload(self, model: Model) -> None:
        """Let a model go now, or after its work."""
        self._note(model, 0.0, infers=False).ended_at = self.clock.now()
        self.scheduler.unload(model, now=self.clock.now())
        self._tell()

    def crash(self, model: Model) -> bool:
        """Kill a model's runner; False when it is not loaded."""
        crashed = self.scheduler.crash(model, now=self.clock.now())
        self._tell()
        return crashed

    def residents(self) -> tuple[Resident, ...]:
        """What is listed as loaded."""
        residents = self.scheduler.residents(now=self.clock.now())
        self._tell()
        return residents

    async def heed_faults(self) -> None:
        """Take over the faults that change the server as a whole."""
        skew = self.faults.find(Kind.CLOCK_SKEW)
        self.clock.skew_s = skew.seconds if skew else 0.0
        legacy = self.config.settings.legacy or bool(self.faults.find(Kind.LEGACY))
        self.scheduler.settings = replace(self.config.settings, legacy=legacy)
        if self.door and self.faults.find(Kind.REFUSE):
            self.door.shut()
        elif self.door:
            await self.door.open()

    def stop(self) -> None:
        """Let nothing happen by itself any more."""
        if self._timer:
            self._timer.cancel()

    def _note(self, model: Model, keep_alive_s: float | None, *, infers: bool) -> Asked:
        asked = Asked(
            caller=caller.get(),
            model=model.name.short,
            infers=infers,
            keep_alive_s=keep_alive_s,
            asked_at=self.clock.now(),
        )
        self.asked.append(asked)
        return asked

    def _tick(self) -> None:
        self.scheduler.advance(self.clock.now())
        self._tell()

    def _tell(self) -> None:
        """Pass on what happened, and look again when more is due."""
        for event in self.scheduler.take_events():
            session = self._sessions.get(event.ticket)
            if session:
                session.tell(event)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        at = self.scheduler.next_event_at()
        if at is not None:
            delay_s = self.clock.real_s(at)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)
