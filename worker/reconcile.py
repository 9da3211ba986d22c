"""Use case: one pass, observe → plan → dispatch → report.

Each host is planned and dispatched when its own view has come, under a lock of its
own, so that a host that hangs delays nobody else. `worker.core` decides; the tasks
that a pass sends do all that takes time.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlsplit

from ollama_warmup.errors import Permanent, StoreUnavailable
from ollama_warmup.report import HostReport
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from worker.core import failures, policy, telling
from worker.core import memory as memories
from worker.core.memory import Memory, Observed
from worker.core.pass_values import HostResponse, PassResult, StoredHost
from worker.core.passes import Action, Event, Kind, Plan, Seen, Touch, Warm
from worker.deps import Deps

logger = logging.getLogger(__name__)

ROUNDS = 2
"""A host is looked at once more at most, if a task asked for it meanwhile."""
SENT_TICKS, SENT_S = 2.0, 15.0
"""The task of a load expires after so many ticks, at least so many seconds."""
LOUD = frozenset({Kind.WEDGED, Kind.SHORT, Kind.LAPSED})

Send = Callable[[Action, float], None]
"""Publishes the task of an action, which expires after so many seconds; raises
`StoreUnavailable`."""


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


def run(deps: Deps, *, send: Send, host: str | None = None) -> list[Glance]:
    """One pass over one host, or over all of them.

    Args:
        deps: what to work with.
        send: publishes the task of what was decided.
        host: a configured one; None = all. Another pass that is at it just now
            looks once more instead.

    Returns:
        The hosts that this pass was at, each as it was seen last.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    hosts = list(deps.warm_list.hosts) if host is None else [host]
    if host is None:
        deps.passes.drop_strangers(hosts)
    nonce, done = deps.nonce(), dict[str, Glance]()
    for _ in range(ROUNDS):
        mine = deps.passes.begin(hosts, nonce=nonce, once_more=host is not None)
        if not mine:
            break
        try:
            round_ = _Round(deps, nonce=nonce, send=send).over(mine)
        except BaseException:  # a time limit, too: the next tick finds the hosts free
            deps.passes.give_up(mine, nonce=nonce)
            raise
        done |= {glance.host.name: glance for glance, _ in round_}
        hosts = [glance.host.name for glance, once_more in round_ if once_more]
    return list(done.values())


def preview(deps: Deps, *, host: str | None = None) -> list[Glance]:
    """What a pass that acts would do now, in the list's order.

    Nothing is sent or written; passes are taken as enabled.
    """
    hosts = list(deps.warm_list.hosts) if host is None else [host]
    acting = replace(deps, rules=replace(deps.rules, enabled=True))
    found = _Round(acting, nonce="", send=lambda _action, _expires_s: None)
    glances = {glance.host.name: glance for glance in found.glances(hosts)}
    return [glances[name] for name in hosts]


class _Round:
    """One look at each of some hosts."""

    def __init__(self, deps: Deps, *, nonce: str, send: Send) -> None:
        self.deps = deps
        self._nonce = nonce
        self._send = send
        self._targets = _by_host(deps.warm_list.targets)

    def over(self, hosts: Sequence[str]) -> list[tuple[Glance, bool]]:
        """Look at hosts, and act; with whether to look once more."""
        with closing(self._look(hosts)) as responses:
            return [done for some in responses for done in self._handle(some)]

    def glances(self, hosts: Sequence[str]) -> list[Glance]:
        """Look at hosts, and decide."""
        with closing(self._look(hosts)) as responses:
            return [glance for some in responses for glance in self._decide(some)]

    def _look(
        self, hosts: Sequence[str]
    ) -> Generator[Mapping[str, HostResponse], None, None]:
        chosen = [self.deps.warm_list.hosts[name] for name in hosts]
        return self.deps.observer.look(chosen, self._targets)

    def _decide(self, responses: Mapping[str, HostResponse]) -> list[Glance]:
        listed = self.deps.warm_list
        targets = {name: self._targets.get(name, []) for name in responses}
        stored, paused, now = self.deps.passes.read(targets)
        return [
            self._glance(listed.hosts[name], response, stored[name], paused, now)
            for name, response in responses.items()
        ]

    def _glance(
        self,
        host: Host,
        response: HostResponse,
        stored: StoredHost,
        paused: frozenset[str],
        now: float,
    ) -> Glance:
        targets = self._targets.get(host.name, [])
        seen = Seen(
            view=response.view,
            tags=response.tags,
            infos=response.infos,
            records=stored.records,
            touches=stored.touches,
            holder=stored.holder,
            sent=stored.sent,
            unloaded=stored.unloaded,
            pulling=stored.pulling,
            paused=paused,
        )
        rules = self.deps.rules
        order = policy.in_order(targets)
        observed = memories.observe(stored.memory, seen, order, rules=rules, now=now)
        forgotten = _doubtful(seen) if observed.is_back else []
        if forgotten:
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

    def _handle(
        self, responses: Mapping[str, HostResponse]
    ) -> list[tuple[Glance, bool]]:
        """Plan, write, then act: what was not written is not done."""
        glances = self._decide(responses)
        results = {glance.host.name: self._result(glance) for glance in glances}
        expires_s = max(SENT_TICKS * self.deps.rules.tick_s, SENT_S)
        for glance in glances:
            self._mark(glance, expires_s)
        written, again = self.deps.passes.end(results, nonce=self._nonce)
        for glance in glances:
            name = glance.host.name
            if name in written:
                _log(results[name].events)
                self._dispatch(glance.plan.actions, expires_s)
        return [(glance, glance.host.name in again) for glance in glances]

    def _result(self, glance: Glance) -> PassResult:
        name = glance.host.name
        memory, events = telling.tell(
            glance.observed,
            glance.plan,
            rules=self.deps.rules,
            host=name,
            now=glance.now,
        )
        return PassResult(
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
                rules=self.deps.rules,
                warm_list_problem=self.deps.warm_list.problem,
                at=glance.now,
            ),
        )

    def _mark(self, glance: Glance, expires_s: float) -> None:
        """Note the load that is about to be sent, as long as its message lives."""
        for action in glance.plan.actions:
            if isinstance(action, Warm):
                self.deps.passes.mark_sent(
                    glance.host.name, action.target.key, seconds=expires_s
                )

    def _dispatch(self, actions: Sequence[Action], expires_s: float) -> None:
        for action in actions:
            try:
                self._send(action, _expires_s(action, expires_s))
            except StoreUnavailable as exc:  # the next pass sends it again
                logger.warning("A pass could not send a task: %s", exc)


def _expires_s(action: Action, expires_s: float) -> float:
    """A touch expires when the timer runs out that it is to restart."""
    if isinstance(action, Touch):
        return max(1.0, min(action.left_s, expires_s))
    return expires_s


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


@lru_cache
def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _log(events: Iterable[Event]) -> None:
    for event in events:
        level = logging.WARNING if event.kind in LOUD else logging.INFO
        logger.log(level, "%s", telling.sentence(event))
