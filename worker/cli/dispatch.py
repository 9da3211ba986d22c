"""Sends warm-ups as an application does, and asks what became of them.

Settings are read once in a process, at the first sending; `read` comes before it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from celery.result import AsyncResult

from ollama_warmup import durations, publish
from ollama_warmup.errors import BadRequest, StoreUnavailable
from worker.cli import joining

PING_S = 2.0
"""How long a worker has to answer before it counts as missing, seconds."""
ENDED = frozenset({"SUCCESS", "FAILURE", "REVOKED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for; nothing is sent yet."""

    models: Sequence[str]
    host: str | None
    timeout_s: float
    way_out: str
    """What to do when there is no broker."""


def read(models: Sequence[str], *, host: str | None, timeout: str) -> Order:
    """Join the system that runs here, and check what is asked for.

    Raises:
        Permanent: it is wrong, or the environment is.
    """
    way_out = joining.join()
    for model in models:
        publish.route(model, host)
    timeout_s = durations.parse(timeout)
    if timeout_s <= 0:
        raise BadRequest(f"--timeout {timeout}: write more than 0s")
    return Order(models=models, host=host, timeout_s=timeout_s, way_out=way_out)


@dataclass(slots=True)
class Sent:
    """One warm-up under way, as far as it is known."""

    model: str
    """The request as it was written."""
    pending: "AsyncResult[dict[str, Any]]"
    state: str = "PENDING"
    details: dict[str, Any] = field(default_factory=dict)
    """The result, or what the worker tells of a load: elapsed_s, expected_s."""
    error: BaseException | None = None

    @property
    def is_ended(self) -> bool:
        """Whether it is warm, or failed."""
        return self.state in ENDED

    @property
    def is_warm(self) -> bool:
        """Whether it ended well."""
        return self.state == "SUCCESS"

    def refresh(self) -> None:
        """Look how far it is.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        if self.is_ended:
            return
        meta = self.pending.backend.get_task_meta(self.pending.id)
        self.state, told = meta["status"], meta["result"]
        self.details = told if isinstance(told, dict) else {}
        self.error = told if isinstance(told, BaseException) else None


def send(order: Order) -> list[Sent]:
    """Send one task for each model.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    delay = publish.warmup.delay
    return [Sent(model, delay(model, order.host)) for model in order.models]


class Ping(threading.Thread):
    """Asks, without holding up anybody, whether there is a worker."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.is_worker_missing = False

    def run(self) -> None:
        """Ask; afterwards `is_worker_missing` tells."""
        try:
            with publish.reaching_store():
                inspect = publish.app().control.inspect(timeout=PING_S, limit=1)
                self.is_worker_missing = not inspect.ping()
        except StoreUnavailable:
            return  # told by who looks at the results
