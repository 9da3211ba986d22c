"""What one process of the worker holds: hosts and store, opened on first use.

The only reader of the clock. Nothing opened here crosses a fork: `worker.celery`
calls `reset` in each new child.
"""

import time
from datetime import UTC, datetime, timedelta

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import UnknownHost
from ollama_warmup.warmlist import Host
from worker import warming
from worker.adapters.ollama import Ollama
from worker.adapters.store import Store
from worker.call import Answer, Call, Means, Say

_hosts: dict[str, tuple[Host, Ollama]] = {}
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
    """The connection of this process to a configured host, as it is configured now.

    Raises:
        UnknownHost: it is not configured any more.
    """
    known = warmlist.current().hosts
    if host not in known:
        raise UnknownHost(
            f"host {host!r} is not configured: the hosts are {', '.join(known)}"
        )
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
        _hosts.popitem()[1][1].close()
    while _stores:
        _stores.pop().close()
