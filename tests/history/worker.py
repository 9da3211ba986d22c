"""Beat, and the workers that run the use cases of its tasks, beside one host.

The use cases are the shipped ones. What Celery does around them (queues, expiry,
retries) is in this module, as `tasks` tells Celery to do it.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from ollama_warmup import errors
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host, WarmList
from tests.history.client import Client, Observer
from tests.history.notes import Look, Said, Sent
from tests.history.server import Server
from tests.support.memory_store import MemoryLoadStore, MemoryPassStore, Shelf
from tests.support.virtual_time import Process, VirtualTime
from worker import curing, reconcile, touching, warming
from worker.core.calls import Call, Queued, RunResult, TryAgain
from worker.core.domain import Holder, HostView, LoadRecord, Outcome
from worker.core.memory import Memory
from worker.core.pass_values import PassResult
from worker.core.passes import Action, Cure, Event, Kind, Rules, Touch, Warm
from worker.deps import Deps

HOST = "gpu"
PUT_BACK_S = 0.02
"""Until a task that was put back runs again, seconds."""
PATIENCE_S = 285.0
"""How long a run of a warm-up waits for its load, seconds."""
RETRIES = 3
REDIS_S = 0.001
"""A round trip to Redis takes so many seconds."""


@dataclass(eq=False)
class Worker:
    """Everything of ours beside one host."""

    server: Server
    targets: Sequence[Target]
    rng: random.Random
    rules: Rules = field(default_factory=Rules)
    time: VirtualTime = field(init=False)
    loads: MemoryLoadStore = field(init=False)
    passes: "NotingPassStore" = field(init=False)
    observer: Observer = field(init=False)
    ticks_out: list[tuple[float, float]] = field(default_factory=list)
    """When beat was down."""
    lanes_out: list[tuple[float, float]] = field(default_factory=list)
    """When no worker took loads."""
    lanes: Process = field(default_factory=Process)
    """The worker that takes loads."""
    control: Process = field(default_factory=Process)
    """The worker that runs passes, touches and cures."""
    touched: list[Sent] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    """What must never happen, seen as it happened."""

    def __post_init__(self) -> None:
        self.time = self.server.time
        shelf = Shelf(self.time, latency_s=REDIS_S)
        self.loads = MemoryLoadStore(shelf)
        self.passes = NotingPassStore(shelf, targets=self.targets)
        self.observer = Observer(self.server)

    @cached_property
    def deps(self) -> Deps:
        client = Client(self.server)
        return Deps(
            server=lambda _host: client,
            observer=self.observer,
            store=self.loads,
            passes=self.passes,
            clock=self.time,
            threads=self.time,
            nonce=lambda: f"{self.rng.getrandbits(128):032x}",
            warm_list=WarmList(
                hosts={HOST: Host(name=HOST, url="http://gpu:11434")},
                targets=tuple(self.targets),
                is_named=True,
            ),
            rules=self.rules,
            load_ceiling_s=1_800.0,
            on_load_ended=self._pass_soon,
        )

    def start(self) -> None:
        self.time.start(self._beat)

    def _beat(self) -> None:
        while True:
            if not _within(self.time.now, self.ticks_out):
                late = self.rng.random() < 0.02
                delay_s = self.rng.uniform(0.5, 3.0) if late else self._delay_s()
                self._start(partial(self._pass, None), self.control, after=delay_s)
            self.time.sleep(self.rules.tick_s)

    # What tasks do

    def _pass(self, host: str | None) -> None:
        """`ollama.reconcile`."""
        reconcile.run(self.deps, send=self._send, host=host)

    def _pass_soon(self, host: str) -> None:
        run = partial(self._pass, host)
        self._start(run, self.control, after=self._delay_s())

    def _warm(self, target: Target, expires_at: float) -> None:
        """`ollama.warmup`, sent by a pass: it is not tried again."""
        try:
            result = self._until_answered(target, expires_at, is_gentle=True)
        except errors.WarmupError:
            return
        if isinstance(result, Outcome):
            self.passes.clear_sent(target.host)

    def call(self, target: Target) -> None:
        """`ollama.warmup`, sent by an application; this thread is its task."""
        while isinstance(
            result := self._until_answered(target, float("inf"), is_gentle=False),
            TryAgain,
        ):
            self.time.sleep(result.countdown_s)

    def _until_answered(
        self, target: Target, expires_at: float, *, is_gentle: bool
    ) -> RunResult | None:
        """Run a warm-up, and again while it is put back; None = its message expired."""
        since = None
        while self.time.now <= expires_at:
            call = Call(
                target=target,
                task_id=f"{target.key} {expires_at}",
                process="w:1",
                patience_s=PATIENCE_S,
                waiting_since=since,
                is_gentle=is_gentle,
            )
            result = warming.make_warm(call, self.deps, on_progress=lambda *_: None)
            if not isinstance(result, Queued):
                return result
            since = result.waiting_since
            self.time.sleep(PUT_BACK_S)
        return None

    def _touch(self, action: Touch, expires_at: float) -> None:
        """`ollama.touch`: a Transient is tried again, three times."""
        call = touching.Call(
            target=action.target,
            digest=action.digest,
            num_ctx=action.num_ctx,
            task_id=f"touch {action.target.key} {expires_at}",
            process="w:2",
        )
        for retries in range(RETRIES + 1):
            if self.time.now > expires_at:
                return
            try:
                touching.touch(call, self.deps)
            except errors.Transient:
                self.time.sleep(self.rng.randrange(2**retries + 1))
            except errors.WarmupError:
                return
            else:
                return

    def _cure(self, action: Cure) -> None:
        """`ollama.cure`."""
        try:
            curing.cure(action, self.deps)
        except errors.WarmupError:
            return

    # What a pass sends

    def _send(self, action: Action, expires_s: float) -> None:
        expires_at = self.time.now + expires_s
        view = self.observer.last
        if not isinstance(view, HostView):
            self._never(f"sends to a mute host: {action}")
            return
        match action:
            case Warm(target=target):
                self._deliver(target, expires_at)
            case Touch(target=target):
                if _is_busy(view, action.digest):
                    self._never(f"touches a busy {target.key}")
                self.touched.append(Sent(self.time.now, target.key, action.left_s))
                run = partial(self._touch, action, expires_at)
                self._start(run, self.control, after=self._delay_s())
            case Cure():
                run = partial(self._cure, action)
                self._start(run, self.control, after=self._delay_s())

    def _deliver(self, target: Target, expires_at: float) -> None:
        """Give a load's message to the worker of its lane, once there is one."""

        def queue() -> None:
            while _within(self.time.now, self.lanes_out):
                self.time.sleep(1.0)
            self._start(partial(self._warm, target, expires_at), self.lanes)

        self._start(queue, Process(), after=self._delay_s())

    def _start(
        self, run: Callable[[], None], process: Process, after: float = 0
    ) -> None:
        self.time.start(run, process=process, after=after)

    def _delay_s(self) -> float:
        return self.rng.uniform(0.005, 0.05)

    def _never(self, what: str) -> None:
        self.bad.append(f"{self.time.now:.1f}: {what}")

    # Accidents

    def kill_lanes(self, seconds: float) -> None:
        """Every worker of lanes dies at once, with the loads that it holds."""
        self.lanes_out.append((self.time.now, self.time.now + seconds))
        self.time.kill(self.lanes)
        self.lanes = Process()

    def empty_store(self) -> None:
        """Redis has lost everything; the events are for the checks."""
        self.loads.shelf.clear()

    # What is looked at

    @property
    def looks(self) -> list[Look]:
        """The views that passes had."""
        return self.observer.looks

    @property
    def said(self) -> Mapping[str, list[Said]]:
        """What passes said of each target, by its key."""
        return self.passes.said

    @property
    def memory(self) -> Memory:
        """What passes remember."""
        memory: Memory = self.loads.shelf.get("memory", HOST)
        return memory

    @memory.setter
    def memory(self, memory: Memory) -> None:
        self.loads.shelf.set("memory", HOST, value=memory)

    @property
    def lane(self) -> Holder | None:
        """The load that has the lane."""
        held: Holder | None = self.loads.shelf.get("lane", HOST)
        return held

    def record(self, target: Target) -> LoadRecord | None:
        """How the last load of a target ended."""
        record: LoadRecord | None = self.loads.shelf.get("outcome", HOST, target.key)
        return record

    def remember(self, target: Target, loads_s: list[float]) -> None:
        """Let loads of a target have taken so many seconds."""
        info = self.server.infos[target.name.normal]
        key = (info.blob or target.name.normal, str(target.options.num_ctx or 0))
        self.loads.shelf.set("history", HOST, *key, value=loads_s)

    def told(self, kind: Kind) -> list[Event]:
        """The events of a kind."""
        return [event for event in self.passes.events if event.kind is kind]


class NotingPassStore(MemoryPassStore):
    """Keeps what passes said of targets, when that was new."""

    def __init__(self, shelf: Shelf, *, targets: Sequence[Target]) -> None:
        super().__init__(shelf)
        self.said: dict[str, list[Said]] = {}
        self._keys = {target.wanted: target.key for target in targets}
        self._last: dict[str, tuple[Condition, bool]] = {}

    def end(
        self, results: Mapping[str, PassResult], *, nonce: str
    ) -> tuple[set[str], set[str]]:
        now = self.shelf.time.now
        for result in results.values():
            for told in result.report.targets:
                now_said = (told.condition, told.is_ready)
                if self._last.get(told.wanted) != now_said:
                    self._last[told.wanted] = now_said
                    said = self.said.setdefault(self._keys[told.wanted], [])
                    said.append(Said(now, *now_said, told.why))
        return super().end(results, nonce=nonce)


def _within(now: float, spans: Sequence[tuple[float, float]]) -> bool:
    return bool(spans) and spans[-1][0] <= now < spans[-1][1]


def _is_busy(view: HostView, digest: str) -> bool:
    """Whether the resident with this digest was certainly at work in a view."""
    resident = next(r for r in view.residents if r.digest == digest)
    return view.left(resident).total_seconds() < 0
