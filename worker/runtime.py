"""What one process of the worker holds: hosts and store, opened on first use.

The only reader of the clock. Nothing opened here crosses a fork: `worker.celery`
calls `reset` in each new child.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import StoreUnavailable, UnknownHost
from ollama_warmup.settings import WedgeCure
from ollama_warmup.warmlist import Host
from worker.adapters.observer import Observer
from worker.adapters.ollama import Ollama
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.core import counting
from worker.core.passes import Rules
from worker.deps import Deps

_hosts: dict[str, tuple[Host, Ollama]] = {}
_stores: list[Store] = []
_passes: list[PassStore] = []
_observers: list[Observer] = []


class _Clock:
    """Time as this process sees it."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


class _Threads:
    """Threads that end with this process."""

    def start(self, run: Callable[[], None], *, name: str) -> None:
        """Run it in a thread of its own."""
        threading.Thread(target=run, name=name, daemon=True).start()

    def signal(self) -> threading.Event:
        """A signal that is not set."""
        return threading.Event()


clock = _Clock()
threads = _Threads()


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


def deps(*, on_load_ended: Callable[[str], None] = lambda _host: None) -> Deps:
    """What the use cases of this process work with, as it is configured now.

    Args:
        on_load_ended: see `Deps.on_load_ended`.
    """
    return Deps(
        server=ollama,
        observer=_observer(),
        store=store(),
        passes=passes(),
        clock=clock,
        threads=threads,
        nonce=lambda: uuid.uuid4().hex,
        warm_list=warmlist.current(),
        rules=rules(),
        load_ceiling_s=settings.current().load_ceiling_s,
        on_load_ended=on_load_ended,
    )


def count_pass(seconds: float) -> None:
    """Count a pass over all hosts; if Redis is away, it is not counted."""
    with contextlib.suppress(StoreUnavailable):
        passes().count(counting.of_pass(seconds))


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
