"""Passes every tick, and the tasks that they send: the core as it is, on a clock."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ollama_warmup import errors
from ollama_warmup.target import Target
from tests.history import tasks, touches
from tests.history.loop import Loop, Process, Running
from tests.history.notes import Look, Said, Sent
from tests.history.server import Server
from tests.history.store import Store
from worker.core import failures, policy, telling
from worker.core import memory as memories
from worker.core.domain import Holder, HostView, Unanswered
from worker.core.passes import Action, Cure, Rules, Seen, Touch, Verdict, Warm

SENT_TICKS, SENT_S = 2.0, 15.0
LEASE_S = (10.0, 15.0)


@dataclass(eq=False, slots=True)
class Worker:
    """Everything of ours beside one host."""

    loop: Loop
    server: Server
    targets: Sequence[Target]
    rng: random.Random
    rules: Rules = field(default_factory=Rules)
    store: Store = field(init=False)
    ticks_out: list[tuple[float, float]] = field(default_factory=list)
    """When beat was down."""
    lanes_out: list[tuple[float, float]] = field(default_factory=list)
    """When no worker took loads."""
    said: dict[str, list[Said]] = field(default_factory=dict)
    touched: list[Sent] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    """What passes saw."""
    bad: list[str] = field(default_factory=list)
    """What must never happen, seen as it happened."""
    is_at_it: bool = False
    wants_more: bool = False
    loading: dict[Running, tasks.Means] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(self.loop)

    def start(self) -> None:
        self.loop.start(self._beat())

    def _beat(self) -> Process[None]:
        while True:
            if not _within(self.loop.now, self.ticks_out):
                late = self.rng.random() < 0.02
                delay_s = self.rng.uniform(0.5, 3.0) if late else self._delay_s()
                self.loop.start(self.pass_(), after=delay_s)
            yield self.rules.tick_s

    def _delay_s(self) -> float:
        return self.rng.uniform(0.005, 0.05)

    # A pass

    def pass_(self, *, once_more: bool = False) -> Process[None]:
        """Look, decide, write, send; one at a time."""
        if self.is_at_it:
            self.wants_more = self.wants_more or once_more
            return
        self.is_at_it = True
        for _ in range(2):
            view = yield from self._look()
            yield self._delay_s() / 5
            self._decide(view)
            if not self.wants_more:
                break
            self.wants_more = False
        self.is_at_it = self.wants_more = False

    def _look(self) -> Process[HostView | Unanswered]:
        try:
            return (yield from self.server.view())
        except errors.OllamaDown as exc:
            return Unanswered(text=str(exc), is_refused=True)
        except errors.OllamaUnreachable as exc:
            return Unanswered(text=str(exc))

    def _seen(self, view: HostView | Unanswered) -> Seen:
        records = ((t.key, self.store.record(t.key)) for t in self.targets)
        return Seen(
            view=view,
            tags=self.server.tags,
            infos=self.server.infos,
            records={key: record for key, record in records if record},
            touches=dict(self.store.touches),
            holder=self.store.lane(),
            sent=self.store.sent_key(),
        )

    def _decide(self, view: HostView | Unanswered) -> None:
        store, rules, now = self.store, self.rules, self.store.now()
        order = policy.in_order(self.targets)
        seen = self._seen(view)
        observed = memories.observe(store.memory, seen, order, rules=rules, now=now)
        if observed.is_back:
            for key in list(_doubtful(seen)):
                del store.records[key]
            seen = self._seen(view)
        plan = policy.plan(self.targets, seen, observed.memory, rules=rules, now=now)
        store.memory, events = telling.tell(
            observed, plan, rules=rules, host="gpu", now=now
        )
        store.events += events
        for verdict in plan.verdicts:
            self._say(verdict)
        if isinstance(view, Unanswered):
            self._never(bool(plan.actions), f"sends to a mute host: {plan.actions}")
            return
        left_s = {r.name: view.left(r).total_seconds() for r in view.residents}
        self.looks.append(Look(self.loop.now, left_s))
        for action in plan.actions:
            self._send(action, view)

    def _say(self, verdict: Verdict) -> None:
        said = self.said.setdefault(verdict.target.key, [])
        if (
            not said
            or said[-1].condition != verdict.condition
            or said[-1].is_ready != verdict.is_ready
        ):
            say = Said(self.loop.now, verdict.condition, verdict.is_ready, verdict.why)
            said.append(say)

    def _never(self, is_so: object, what: str) -> None:
        if is_so:
            self.bad.append(f"{self.loop.now:.1f}: {what}")

    # What a pass sends

    def _send(self, action: Action, view: HostView) -> None:
        void_s = max(SENT_TICKS * self.rules.tick_s, SENT_S)
        match action:
            case Warm(target=target):
                self.store.sent = (target.key, self.loop.now + void_s)
                self._start(self._warm, target, void_s)
            case Touch(target=target):
                self._check_touch(action, view)
                self.touched.append(Sent(self.loop.now, target.key, action.left_s))
                void_s = max(1.0, min(action.left_s, void_s))
                run = self._touch(action, self.loop.now + void_s)
                self.loop.start(run, after=self._delay_s())
            case Cure():
                run = touches.cure(self.server, self.store, action.resident)
                self.loop.start(run, after=self._delay_s())

    def _check_touch(self, action: Touch, view: HostView) -> None:
        resident = next(r for r in view.residents if r.digest == action.digest)
        is_past = view.left(resident).total_seconds() < 0
        self._never(is_past, f"touches a busy {action.target.key}")

    def _means(self, target: Target) -> tasks.Means:
        return tasks.Means(target, self.server, self.store, self._pass_soon)

    def _pass_soon(self) -> None:
        self.loop.start(self.pass_(once_more=True), after=self._delay_s())

    def _start(
        self,
        run: Callable[[tasks.Means, Target, float], Process[None]],
        target: Target,
        void_s: float,
    ) -> None:
        means = self._means(target)
        process = run(means, target, self.loop.now + void_s)
        self.loading[self.loop.start(process, after=self._delay_s())] = means

    def _warm(
        self, means: tasks.Means, _target: Target, void_at: float
    ) -> Process[None]:
        while _within(self.loop.now, self.lanes_out):
            yield 1.0
        if self.loop.now > void_at:
            return
        waits = [self.rng.uniform(0, 2 ** (n + 1)) for n in range(3)]
        yield from tasks.warm(means, void_at=void_at, waits=waits)
        self.loading = {r: m for r, m in self.loading.items() if m is not means}

    def _touch(self, action: Touch, void_at: float) -> Process[None]:
        means = self._means(action.target)
        for n in range(4):
            if self.loop.now > void_at:
                return
            try:
                yield from touches.touch(means, action)
            except errors.Transient:
                yield self.rng.uniform(0, 2.0**n)
            else:
                return

    # Accidents

    def kill_lanes(self, seconds: float) -> None:
        """Every worker of lanes dies at once, with the loads that it holds."""
        self.lanes_out.append((self.loop.now, self.loop.now + seconds))
        for running, means in self.loading.items():
            self.loop.kill(running)
            if means.asked is not None:
                self.server.hang_up(means.asked)
            if means.holder is not None and self.store.holder == means.holder:
                self.store.holder_until = self.loop.now + self.rng.uniform(*LEASE_S)
        self.loading.clear()

    def empty_store(self) -> None:
        """Redis has lost everything; the keeper of a load takes its lane again."""
        holder = self.store.lane()
        self.store.empty()
        if holder is not None:
            self.loop.start(self._retake(holder), after=self.rng.uniform(0, 5))

    def _retake(self, holder: Holder) -> Process[None]:
        is_held = any(m.holder == holder for m in self.loading.values())
        if is_held and self.store.lane() is None:
            self.store.holder, self.store.holder_until = holder, float("inf")
        yield 0.0


def _within(now: float, spans: Sequence[tuple[float, float]]) -> bool:
    return bool(spans) and spans[-1][0] <= now < spans[-1][1]


def _doubtful(seen: Seen) -> Iterator[str]:
    for key, record in seen.records.items():
        if record.error and not isinstance(
            failures.revive(record.error, ""), errors.Permanent
        ):
            yield key
