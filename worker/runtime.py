"""What one process of the worker holds: hosts and store, opened on first use.

The only reader of the clock. Nothing opened here crosses a fork: `worker.celery`
calls `reset` in each new child.
"""

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import StoreUnavailable, UnknownHost
from ollama_warmup.settings import WedgeCure
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from worker import curing, pulling, touching, unloading, warming
from worker import reconcile as reconciling
from worker.adapters.observer import Observer
from worker.adapters.ollama import Ollama
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.call import Answer, Call, Means, Queued, Say
from worker.core import counting
from worker.core.passes import Action, Rules

_hosts: dict[str, tuple[Host, Ollama]] = {}
_stores: list[Store] = []
_passes: list[PassStore] = []
_observers: list[Observer] = []

Announce = Callable[[str], None]
"""Told a host when a load on it has ended; must not raise."""


class _Clock:
    """Time as this process sees it."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


clock = _Clock()


def ollama(host: str) -> Ollama:
    """The connection of this process to a configured host, as it is configured now.

    Raises:
        UnknownHost: it is not configured any more.
    """
    known = warmlist.current().hosts
    if host not in known:
        raise UnknownHost.among(host, known)
    if host not in _hosts or _hosts[host][0] != known[host]:
        # One that is replaced stays open: a load may be in flight on it.
        made = Ollama(host, known[host].url, authorization=known[host].authorization)
        _hosts[host] = (known[host], made)
    return _hosts[host][1]


def store() -> Store:
    """The connection of this process to Redis."""
    if not _stores:
        current = settings.current()
        _stores.append(Store(current.broker_url, namespace=current.namespace))
    return _stores[0]


def passes() -> PassStore:
    """The connection of this process to what passes share."""
    if not _passes:
        current = settings.current()
        _passes.append(PassStore(current.broker_url, namespace=current.namespace))
    return _passes[0]


def make_warm(
    call: Call, *, say: Say, announce: Announce = lambda _host: None
) -> Answer:
    """Make one target warm on its host; see `worker.warming.make_warm`."""
    means = Means(
        ollama=ollama(call.target.host),
        store=store(),
        clock=clock,
        say=say,
        ceiling_s=settings.current().load_ceiling_s,
        announce=announce,
    )
    return warming.make_warm(call, means)


def touch(call: touching.Call, *, announce: Announce) -> touching.Touched:
    """Restart the timer of a resident; see `worker.touching.touch`."""
    means = touching.Means(
        ollama=ollama(call.target.host),
        store=store(),
        passes=passes(),
        announce=announce,
        ceiling_s=settings.current().load_ceiling_s,
        monotonic=clock.monotonic,
    )
    return touching.touch(call, means)


def cure(host: str, resident: str) -> bool:
    """Free a wedged host; see `worker.curing.cure`."""
    return curing.cure(
        host, resident, ollama=ollama(host), store=store(), passes=passes()
    )


def reconcile(
    host: str | None, *, send: Callable[[Action, float], None]
) -> list[reconciling.Glance]:
    """One pass; see `worker.reconcile.run`."""
    return reconciling.run(_pass(send), host=host)


def count_pass(seconds: float) -> None:
    """Count a pass over all hosts; if Redis is away, it is not counted."""
    with contextlib.suppress(StoreUnavailable):
        passes().count(counting.of_pass(seconds))


def preview(host: str | None = None) -> list[reconciling.Glance]:
    """What a pass that acts would do now; see `worker.reconcile.preview`."""
    means = _pass(lambda _action, _void_s: None)
    acting = replace(means, rules=replace(means.rules, enabled=True))
    return reconciling.preview(acting, host=host)


def _pass(send: Callable[[Action, float], None]) -> reconciling.PassMeans:
    return reconciling.PassMeans(
        observer=_observer(),
        store=passes(),
        warm_list=warmlist.current(),
        rules=rules(),
        send=send,
        nonce=uuid.uuid4().hex,
    )


def rules() -> Rules:
    """What this deployment decides about passes."""
    told = settings.current()
    return Rules(
        tick_s=told.tick_s,
        enabled=told.enabled,
        cures_targets=told.wedge_cure is not WedgeCure.OFF,
        cures_others=told.wedge_cure is WedgeCure.ANY,
    )


def _observer() -> Observer:
    if not _observers:
        _observers.append(Observer(monotonic=clock.monotonic))
    return _observers[0]


def pull(order: pulling.Order, *, say: pulling.SayPulled) -> pulling.Pulled | Queued:
    """Have a host download a model; see `worker.pulling.pull`."""
    means = pulling.PullMeans(
        ollama=ollama(order.target.host), store=store(), clock=clock, say=say
    )
    return pulling.pull(order, means)


def unload(target: Target) -> unloading.Unloaded:
    """Let a model go; see `worker.unloading.unload`."""
    return unloading.unload(target, ollama=ollama(target.host), clock=clock)


def instant(left: timedelta) -> datetime:
    """The instant that lies `left` ahead, by this machine's clock, in UTC."""
    return datetime.now(UTC) + left


def reset() -> None:
    """Forget connections without closing them: they belong to the parent."""
    _hosts.clear()
    _stores.clear()
    _passes.clear()
    _observers.clear()


def close() -> None:
    """Close what is open; safe to call twice."""
    while _hosts:
        _hosts.popitem()[1][1].close()
    while _stores:
        _stores.pop().close()
    while _passes:
        _passes.pop().close()
