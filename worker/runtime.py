"""What one process of the worker holds: its hosts, opened on first use.

The only reader of the clock. Nothing opened here crosses a fork: `worker.celery`
calls `reset` in each new child.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic as monotonic  # noqa: PLC0414 - handed on

from ollama_warmup import settings
from ollama_warmup.target import Target
from worker import warming
from worker.adapters.ollama import Ollama
from worker.core.domain import Outcome

_open: dict[str, Ollama] = {}


def ollama(host: str) -> Ollama:
    """The connection of this process to a configured host."""
    if host not in _open:
        _open[host] = Ollama(host, settings.current().hosts[host])
    return _open[host]


def make_warm(target: Target, *, prove: bool) -> Outcome:
    """Make one target warm on its host; see `worker.warming.make_warm`."""
    return warming.make_warm(target, ollama=ollama(target.host), prove=prove)


def instant(left: timedelta) -> datetime:
    """The instant that lies `left` ahead, by this machine's clock, in UTC."""
    return datetime.now(UTC) + left


def reset() -> None:
    """Forget connections without closing them: they belong to the parent."""
    _open.clear()


def close() -> None:
    """Close what is open; safe to call twice."""
    while _open:
        _open.popitem()[1].close()
