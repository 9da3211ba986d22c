"""Collects the facts: from this environment, Redis, workers, hosts and disks.

Changes nothing anywhere, and ends in bounded time whatever hangs: all hosts together
have 11 s, while Redis has 2 s and then workers are asked; then a disk has 4 s.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ollama_warmup import request, settings, warmlist, wire
from ollama_warmup.errors import BadSettings, StoreUnavailable
from ollama_warmup.report import HostReport
from ollama_warmup.settings import SECRET_PREFIX, Settings
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host, WarmList
from worker.adapters import broker, nodes
from worker.adapters.broker import LoginRefused
from worker.adapters.nodes import Nodes
from worker.adapters.ollama import is_loopback
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.doctor import asked, disks
from worker.doctor.environment import FOREIGN
from worker.doctor.facts import Facts, HostFacts, Shared

ANSWER_S = 1.5
"""How long a worker has to answer, seconds."""
DAY_S = 86_400.0
"""How far back events are read."""
Tell = Callable[[str], None]
"""Told what is being done; called from any thread."""


def gather(environment: Mapping[str, str], *, tell: Tell = lambda _: None) -> Facts:
    """Collect all that can be known.

    Args:
        environment: the variables of this process, before it joined a system.
        tell: for a person who waits.
    """
    facts = Facts(environment=_of_interest(environment))
    try:
        known = settings.current()
    except BadSettings as exc:
        return replace(facts, settings_problem=str(exc))
    parts = urlsplit(known.broker_url)
    facts = replace(
        facts,
        tick_s=known.tick_s,
        redis_at=broker.shown(known.broker_url),
        is_redis_local=is_loopback(known.broker_url),
        has_password=bool(parts.password),
    )
    return _Gathering(known, facts, tell).facts()


def _of_interest(environment: Mapping[str, str]) -> dict[str, str]:
    """What somebody reads, and nothing secret."""
    return {
        name: value
        for name, value in environment.items()
        if name in FOREIGN
        or (name.startswith(("CELERY_", "OLLAMA_")) and SECRET_PREFIX not in name)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Hosts, and what is wanted of each."""

    hosts: Sequence[Host]
    targets: Mapping[str, Sequence[Target]]

    @classmethod
    def of(cls, listed: WarmList) -> "_Wanted":
        """What a warm list says."""
        targets = {host: listed.of(host) for host in listed.hosts}
        return cls(hosts=list(listed.hosts.values()), targets=targets)

    @classmethod
    def reported(cls, reports: Mapping[str, HostReport]) -> "_Wanted":
        """What the last passes had before them."""
        return cls(
            hosts=[Host(name=name, url=r.url) for name, r in reports.items()],
            targets={
                name: [
                    Target.of(request.parse(target.wanted), host=name)
                    for target in report.targets
                ]
                for name, report in reports.items()
            },
        )


class _Gathering:
    """One collection."""

    def __init__(self, known: Settings, facts: Facts, tell: Tell) -> None:
        self._known = known
        self._facts = facts
        self._tell = tell

    def facts(self) -> Facts:
        """All that could be asked."""
        listed = self._listed()
        with ThreadPoolExecutor(max_workers=2) as threads:
            is_ours = listed is not None and bool(listed.targets)
            early = threads.submit(self._hosts, self._ours(listed)) if is_ours else None
            self._ask_redis(listed)
            workers = threads.submit(self._nodes) if self._facts.redis else None
            hosts = early.result() if early else self._hosts(self._theirs(listed))
            answers = workers.result() if workers else None
        self._tell("reads from the disk")
        hosts = disks.look(hosts, self._facts.environment)
        shared = self._facts.shared and self._remembered(self._facts.shared, hosts)
        return replace(self._facts, hosts=hosts, nodes=answers, shared=shared)

    def _listed(self) -> WarmList | None:
        try:
            listed = warmlist.current()
        except BadSettings as exc:
            self._facts = replace(self._facts, list_problem=str(exc))
            return None
        sentences = (*self._known.warnings(), *listed.notes)
        self._facts = replace(self._facts, sentences=sentences)
        return listed

    def _ask_redis(self, listed: WarmList | None) -> None:
        known, hosts = self._known, list(listed.hosts) if listed else []
        queues = [wire.CONTROL, wire.TOUCH, wire.PULL, *map(wire.lane, hosts)]
        try:
            told = broker.look(
                known.broker_url, namespace=known.namespace, queues=queues
            )
            here = time.time()
            shared = self._shared(told.at)
        except LoginRefused:
            self._facts = replace(self._facts, is_login_refused=True)
        except StoreUnavailable as exc:
            self._facts = replace(self._facts, redis_problem=str(exc))
        else:
            skew_s = round(told.at - here, 2)
            self._facts = replace(
                self._facts, redis=told, redis_skew_s=skew_s, shared=shared
            )

    def _shared(self, now: float) -> Shared:
        """What passes tell; raises `StoreUnavailable`."""
        store = PassStore(self._known.broker_url, namespace=self._known.namespace)
        try:
            reports = {report.host: report for report in store.reports()}
        except ValueError:
            reports, wrong = {}, "another release wrote the last report"
        else:
            wrong = ""
        entries = store.log.backwards(since=now - DAY_S)
        shared = Shared(
            now=now,
            reports=dict(sorted(reports.items())),
            events=tuple(entry.event for entry in entries if entry.event),
            paused=store.paused(),
            problem=wrong,
        )
        store.close()
        return shared

    def _theirs(self, listed: WarmList | None) -> _Wanted:
        """What passes want, as this environment wants nothing."""
        reports = self._facts.shared.reports if self._facts.shared else {}
        if not reports:
            return self._ours(listed)
        self._facts = replace(self._facts, is_theirs=True)
        return _Wanted.reported(reports)

    def _ours(self, listed: WarmList | None) -> _Wanted:
        """What this environment wants."""
        return _Wanted.of(listed) if listed else _Wanted(hosts=(), targets={})

    def _nodes(self) -> Nodes | None:
        try:
            return nodes.look(timeout_s=ANSWER_S)
        except StoreUnavailable:
            return None

    def _hosts(self, wanted: _Wanted) -> tuple[HostFacts, ...]:
        left = {host.name for host in wanted.hosts}

        def done(name: str) -> None:
            left.discard(name)
            self._tell(_waits_for(sorted(left)))

        self._tell(_waits_for(sorted(left)))
        found = asyncio.run(asked.ask(wanted.hosts, wanted.targets, tell=done))
        return tuple(found)

    def _remembered(self, shared: Shared, hosts: Sequence[HostFacts]) -> Shared:
        """What is remembered of loads, too; without it if Redis went away."""
        store = Store(self._known.broker_url, namespace=self._known.namespace)
        histories, failures = {}, {}
        try:
            for host, target in ((h, t) for h in hosts for t in h.targets):
                key = (host.name, target.key)
                histories[key] = tuple(_history(store, host, target))
                record, _ = store.read(*key)
                if record and record.error:
                    failures[key] = record
        except StoreUnavailable:
            return shared
        finally:
            store.close()
        return replace(shared, histories=histories, failures=failures)


def _history(store: Store, host: HostFacts, target: Target) -> list[float]:
    """Seconds of a target's loads, by the names under which loads remember them."""
    info = host.info(target)
    weights = (info.blob if info else None) or target.name.normal
    context = target.options.num_ctx or 0
    return store.history(host.name, weights=weights, context=context, is_used=False)


def _waits_for(names: Sequence[str]) -> str:
    """Who is still asked."""
    if not names:
        return "waits for workers"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"asks {names[0]}{more}"
