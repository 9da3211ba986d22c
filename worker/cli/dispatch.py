"""Sends what a command is about as an application does, and asks what became of it.

Settings are read once in a process, at the first sending; `read` comes before it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from celery.result import AsyncResult

from ollama_warmup import durations
from ollama_warmup.errors import BadRequest, StoreUnavailable
from worker.adapters import nodes
from worker.cli.errands import Errand

PING_S = 2.0
"""How long a worker has to answer before it counts as missing, seconds."""
ENDED = frozenset({"SUCCESS", "FAILURE", "REVOKED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a command line asks for, as it is written."""

    models: Sequence[str]
    host: str | None
    timeout: str
    is_waited: bool
    """Whether for how it ends; else it is sent, and no more."""
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for; nothing is sent yet."""

    calls: Sequence[tuple[str, str | None]]
    """Each a model, and its host; None = the usual one."""
    timeout_s: float
    notes: Sequence[str] = ()
    """What a person should know beside how it ends."""


def read(errand: Errand, wish: Wish) -> Order:
    """Check what is asked for.

    Raises:
        Permanent: it is wrong, or the environment is.
    """
    for model in wish.models:
        errand.check(model, wish.host)
    timeout_s = durations.parse(wish.timeout)
    if timeout_s <= 0:
        raise BadRequest(f"--timeout {wish.timeout}: write more than 0s")
    calls = [(model, wish.host) for model in wish.models]
    return Order(calls=calls, timeout_s=timeout_s)


@dataclass(slots=True)
class Sent:
    """One task under way, as far as it is known."""

    model: str
    """The request as it was written."""
    pending: "AsyncResult[dict[str, Any]]"
    state: str = "PENDING"
    details: dict[str, Any] = field(default_factory=dict)
    """The result, or what the worker tells meanwhile."""
    error: BaseException | None = None

    @property
    def is_ended(self) -> bool:
        """Whether it ended, well or not."""
        return self.state in ENDED

    @property
    def is_done(self) -> bool:
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


def send(errand: Errand, order: Order) -> list[Sent]:
    """Send one task for each model.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    return [Sent(model, errand.send(model, host)) for model, host in order.calls]


class Ping(threading.Thread):
    """Asks, without holding up anybody, whether there is a worker."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.is_worker_missing = False

    def run(self) -> None:
        """Ask; afterwards `is_worker_missing` tells."""
        try:
            self.is_worker_missing = not nodes.queues(timeout_s=PING_S)
        except StoreUnavailable:
            return  # told by who looks at the results
