"""What one process of the worker holds: hosts and store, opened on first use.

The only reader of the clock. Nothing opened here crosses a fork: `worker.celery`
calls `reset` in each new child.
"""

import time
from datetime import UTC, datetime, timedelta

from ollama_warmup import settings, warmlist
from ollama_warmup.target import Target
from worker import pulling, unloading, warming
from worker.adapters.ollama import Ollama
from worker.adapters.store import Store
from worker.call import Answer, Call, Means, Queued, Say

_hosts: dict[str, Ollama] = {}
_stores: list[Store] = []


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
    """The connection of this process to a configured host."""
    if host not in _hosts:
        _hosts[host] = Ollama(host, warmlist.current().hosts[host].url)
    return _hosts[host]


def store() -> Store:
    """The connection of this process to Redis."""
    if not _stores:
        current = settings.current()
        _stores.append(Store(current.broker_url, namespace=current.namespace))
    return _stores[0]


def make_warm(call: Call, *, say: Say) -> Answer:
    """Make one target warm on its host; see `worker.warming.make_warm`."""
    means = Means(
        ollama=ollama(call.target.host),
        store=store(),
        clock=clock,
        say=say,
        ceiling_s=settings.current().load_ceiling_s,
    )
    return warming.make_warm(call, means)


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


def close() -> None:
    """Close what is open; safe to call twice."""
    while _hosts:
        _hosts.popitem()[1].close()
    while _stores:
        _stores.pop().close()
