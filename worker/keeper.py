"""Holds one load: a load lives exactly as long as its HTTP request.

A keeper is a thread of the worker's child, so that the request outlives the task
that began it: the task may stop waiting, the load goes on. The keeper renews the
lease of the lane meanwhile; before it gives the lane back it writes how the load
ended, so that whoever comes next reads it.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ollama_warmup.errors import StoreUnavailable, WarmupError
from worker.adapters.store import RENEW_S, Store
from worker.core.domain import Holder

logger = logging.getLogger(__name__)

STORE_AGAIN_S = 1.0
"""Between two tries to tell a store that is away how a load ended."""


R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Generic[R, T]):
    """One load: what to do, and what to write when it has ended."""

    host: str
    holder: Holder
    run: Callable[[], R]
    """Sends the request and verifies; raises our errors."""
    tell: Callable[[R | WarmupError, float], T]
    """Writes how it ended, given the instant by the store's clock."""
    after: Callable[[], None] = lambda: None
    """Called at the end, when the lane is free again."""


class Keeper(Generic[R, T]):
    """The thread of one load."""

    def __init__(self, load: Load[R, T], *, store: Store) -> None:
        """Take charge of a load whose lane is taken already, or will be."""
        self._load = load
        self._store = store
        self._ended = threading.Event()
        self._end: R | WarmupError | None = None
        self._told: T | None = None

    def start(self) -> None:
        """Send the request, in a thread of its own."""
        threading.Thread(target=self._hold, name="keeper", daemon=True).start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, at most so long; whether it has come."""
        return self._ended.wait(timeout_s)

    def end(self) -> tuple[R | WarmupError, T]:
        """How the load ended, once `wait` has said so."""
        if self._end is None or self._told is None:
            raise RuntimeError("the load has not ended")
        return self._end, self._told

    def _hold(self) -> None:
        """(1) Load, while another thread renews the lease; (2) tell; (3) let go.

        The lease is renewed until how it ended is told, and never after that.
        """
        over = threading.Event()
        renewer = threading.Thread(
            target=self._renew_until, args=(over,), name="lease", daemon=True
        )
        renewer.start()
        try:
            self._end = self._run()  # (1)
            self._told = self._tell(self._end)  # (2)
        finally:
            over.set()
            renewer.join()
            with contextlib.suppress(StoreUnavailable):  # it runs out by itself
                self._store.release_lane(self._load.host, self._load.holder)  # (3)
            self._ended.set()
            self._load.after()

    def _run(self) -> R | WarmupError:
        try:
            return self._load.run()
        except WarmupError as exc:
            return exc
        except Exception as exc:
            logger.exception("A load of %s broke", self._load.holder.key)
            return WarmupError(f"the worker broke while it loaded a model: {exc!r}")

    def _tell(self, end: R | WarmupError) -> T:
        """Write the record, however long Redis is away."""
        load, waits = self._load, threading.Event()
        while True:
            try:
                record = load.tell(end, self._store.now())
            except StoreUnavailable as exc:
                logger.warning("The end of a load cannot be told yet: %s", exc)
                waits.wait(STORE_AGAIN_S)
            else:
                return record

    def _renew_until(self, over: threading.Event) -> None:
        """A lost lease never aborts a load: it is taken again, or that is said."""
        held = True
        while not over.wait(RENEW_S):
            try:
                kept = self._store.renew_lane(self._load.host, self._load.holder)
            except StoreUnavailable:
                continue
            if held and not kept:
                logger.warning(
                    "The lane of %s was lost to another load; this one goes on",
                    self._load.host,
                )
            held = kept
