"""Use case: one pass, observe → plan → dispatch → report.

Each host is planned and dispatched when its own view has come, under a lock of its
own, so that a host that hangs delays nobody else. `worker.core` decides; the tasks
that a pass sends do all that takes time.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ollama_warmup.errors import Permanent, StoreUnavailable
from ollama_warmup.report import HostReport
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host, WarmList
from worker.adapters.observer import Look, Observer
from worker.adapters.passstore import PassStore
from worker.adapters.passvalues import Shared, Told
from worker.core import failures, policy, telling
from worker.core import memory as memories
from worker.core.memory import Memory, Observed
from worker.core.passes import Action, Event, Kind, Plan, Rules, Seen, Touch, Warm

logger = logging.getLogger(__name__)

ROUNDS = 2
"""A host is looked at once more at most, if somebody asked for it meanwhile."""
SENT_TICKS, SENT_S = 2.0, 15.0
"""The task of a load is void after so many ticks, at least so many seconds."""
LOUD = frozenset({Kind.WEDGED, Kind.SHORT, Kind.LAPSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PassMeans:
    """What a pass works with."""

    observer: Observer
    store: PassStore
    warm_list: WarmList
    rules: Rules
    send: Callable[[Action, float], None]
    """Publishes the task of an action, which is void after so many seconds."""
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One host in one pass: what was decided, and from what."""

    host: Host
    seen: Seen
    observed: Observed
    plan: Plan
    now: float
    forgotten: Sequence[str] = ()
    """Keys of targets whose records say nothing any more."""


def run(means: PassMeans, *, host: str | None = None) -> list[Glance]:
    """One pass over one host, or over all of them.

    Args:
        means: what to work with.
        host: a configured one; None = all. Another pass that is at it just now
            looks once more instead.

    Returns:
        The hosts that this pass was at, each as it was seen last.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    hosts = list(means.warm_list.hosts) if host is None else [host]
    if host is None:
        means.store.drop_strangers(hosts)
    done: dict[str, Glance] = {}
    for _ in range(ROUNDS):
        mine = means.store.begin(hosts, nonce=means.nonce, once_more=host is not None)
        if not mine:
            break
        try:
            round_ = asyncio.run(_Round(means).over(mine))
        except BaseException:  # a time limit, too: the next tick finds the hosts free
            means.store.give_up(mine, nonce=means.nonce)
            raise
        done |= {glance.host.name: glance for glance, _ in round_}
        hosts = [glance.host.name for glance, once_more in round_ if once_more]
    return list(done.values())


def preview(means: PassMeans, *, host: str | None = None) -> list[Glance]:
    """What a pass would do now, in the list's order; nothing is sent or written."""
    hosts = list(means.warm_list.hosts) if host is None else [host]
    glances = {g.host.name: g for g in asyncio.run(_Round(means).glances(hosts))}
    return [glances[name] for name in hosts]


class _Round:
    """One look at each of some hosts."""

    def __init__(self, means: PassMeans) -> None:
        self.means = means
        self._targets = _by_host(means.warm_list.targets)

    async def over(self, hosts: Sequence[str]) -> list[tuple[Glance, bool]]:
        """Look at hosts, and act; with whether to look once more."""
        done: list[tuple[Glance, bool]] = []
        async for looks in self._looks(hosts):
            done += self._handle(looks)
        return done

    async def glances(self, hosts: Sequence[str]) -> list[Glance]:
        """Look at hosts, and decide."""
        glances: list[Glance] = []
        async for looks in self._looks(hosts):
            glances += self._decide(looks)
        return glances

    def _looks(self, hosts: Sequence[str]) -> AsyncIterator[dict[str, Look]]:
        chosen = [self.means.warm_list.hosts[name] for name in hosts]
        return self.means.observer.look(chosen, self._targets)

    def _decide(self, looks: Mapping[str, Look]) -> list[Glance]:
        listed = self.means.warm_list
        targets = {name: self._targets.get(name, []) for name in looks}
        shared, paused, now = self.means.store.read(targets)
        return [
            self._glance(listed.hosts[name], look, shared[name], paused, now)
            for name, look in looks.items()
        ]

    def _glance(
        self,
        host: Host,
        look: Look,
        shared: Shared,
        paused: frozenset[str],
        now: float,
    ) -> Glance:
        targets = self._targets.get(host.name, [])
        seen = Seen(
            view=look.view,
            tags=look.tags,
            infos=look.infos,
            records=shared.records,
            touches=shared.touches,
            holder=shared.holder,
            sent=shared.sent,
            pulling=shared.pulling,
            paused=paused,
        )
        rules = self.means.rules
        order = policy.in_order(targets)
        observed = memories.observe(shared.memory, seen, order, rules=rules, now=now)
        forgotten = _doubtful(seen) if observed.is_back else []
        kept = {k: r for k, r in seen.records.items() if k not in forgotten}
        seen = replace(seen, records=kept)
        plan = policy.plan(targets, seen, observed.memory, rules=rules, now=now)
        return Glance(
            host=host,
            seen=seen,
            observed=observed,
            plan=plan,
            now=now,
            forgotten=forgotten,
        )

    def _handle(self, looks: Mapping[str, Look]) -> list[tuple[Glance, bool]]:
        """Plan, write, then act: what was not written is not done."""
        glances = self._decide(looks)
        told = {glance.host.name: self._told(glance) for glance in glances}
        void_s = {g.host.name: self._mark(g) for g in glances}
        written, again = self.means.store.end(told, nonce=self.means.nonce)
        for glance in glances:
            name = glance.host.name
            if name in written:
                _log(told[name].events)
                self._dispatch(glance.plan.actions, void_s[name])
        return [(glance, glance.host.name in again) for glance in glances]

    def _told(self, glance: Glance) -> Told:
        name = glance.host.name
        memory, events = telling.tell(
            glance.observed,
            glance.plan,
            rules=self.means.rules,
            host=name,
            now=glance.now,
        )
        return Told(
            memory=memory,
            report=self._report(glance, memory),
            events=events,
            forgotten=glance.forgotten,
        )

    def _report(self, glance: Glance, memory: Memory) -> HostReport:
        return telling.report(
            glance.seen,
            glance.plan,
            memory,
            frame=telling.Frame(
                host=glance.host.name,
                url=_without_login(glance.host.url),
                rules=self.means.rules,
                warm_list_problem=self.means.warm_list.problem,
                at=glance.now,
            ),
        )

    def _mark(self, glance: Glance) -> float:
        """Note the load that is about to be sent, as long as its message lives."""
        seconds = max(SENT_TICKS * self.means.rules.tick_s, SENT_S)
        for action in glance.plan.actions:
            if isinstance(action, Warm):
                self.means.store.mark_sent(
                    glance.host.name, action.target.key, seconds=seconds
                )
        return seconds

    def _dispatch(self, actions: Sequence[Action], void_s: float) -> None:
        for action in actions:
            try:
                self.means.send(action, _void_s(action, void_s))
            except StoreUnavailable as exc:  # the next pass sends it again
                logger.warning("A pass could not send a task: %s", exc)


def _void_s(action: Action, void_s: float) -> float:
    """A touch is void when the timer has run out that it was to restart."""
    if isinstance(action, Touch):
        return max(1.0, min(action.left_s, void_s))
    return void_s


def _by_host(targets: Iterable[Target]) -> dict[str, list[Target]]:
    by_host: dict[str, list[Target]] = {}
    for target in targets:
        by_host.setdefault(target.host, []).append(target)
    return by_host


def _doubtful(seen: Seen) -> list[str]:
    """Keys whose failures say nothing of a server that has begun anew."""
    return [
        key
        for key, record in seen.records.items()
        if record.error and not isinstance(failures.revive(record.error, ""), Permanent)
    ]


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _log(events: Iterable[Event]) -> None:
    for event in events:
        level = logging.WARNING if event.kind in LOUD else logging.INFO
        logger.log(level, "%s", telling.sentence(event))
