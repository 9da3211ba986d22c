"""Holds one load: a load lives exactly as long as its HTTP request.

A keeper is a thread of the worker's child, so that the request outlives the task
that began it: the task may stop waiting, the load goes on. The keeper renews the
lease of the lane meanwhile; before it gives the lane back it writes how the load
ended, so that the next call reads it.
"""

import contextlib
import logging
from typing import Generic, Protocol, TypeVar

from ollama_warmup.errors import StoreUnavailable, WarmupError
from worker.core.domain import RENEW_S, Holder
from worker.deps import Deps
from worker.ports import Signal

logger = logging.getLogger(__name__)

STORE_AGAIN_S = 1.0
"""Between two tries to write how a load ended while Redis is away, seconds."""

R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Job(Protocol[R, T_co]):
    """One load, from its request to its record; called in this order."""

    @property
    def host(self) -> str:
        """The host's name."""

    @property
    def holder(self) -> Holder:
        """What stands in the lane while the job runs."""

    def run(self) -> R:
        """Send the request and verify; raises a `WarmupError` when it failed."""

    def record(self, end: R | WarmupError, now: float) -> T_co:
        """Write how it ended, given the instant by the store's clock.

        Called again after a `StoreUnavailable`.
        """

    def after(self) -> None:
        """Called when the lane is free again."""


class Keeper(Generic[R, T]):
    """The thread of one load."""

    def __init__(self, job: Job[R, T], deps: Deps) -> None:
        """Take charge of a load whose lane is taken already, or will be."""
        self._job = job
        self._deps = deps
        self._ended = deps.threads.signal()
        self._result: tuple[R | WarmupError, T] | None = None

    def start(self) -> None:
        """Send the request, in a thread of its own."""
        self._deps.threads.start(self._hold, name="keeper")

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, at most so long; whether it has come."""
        return self._ended.wait(timeout_s)

    def end(self) -> tuple[R | WarmupError, T]:
        """How the load ended, once `wait` has returned True."""
        if self._result is None:
            raise RuntimeError("the load has not ended")
        return self._result

    def _hold(self) -> None:
        """(1) Load, while another thread renews the lease; (2) record; (3) let go.

        The lease is renewed until the record is written, and never after that.
        """
        job, threads = self._job, self._deps.threads
        over, stopped = threads.signal(), threads.signal()
        threads.start(lambda: self._renew_until(over, stopped), name="lease")
        try:
            end = self._run()  # (1)
            self._result = end, self._write(end)  # (2)
        finally:
            over.set()
            stopped.wait()
            with contextlib.suppress(StoreUnavailable):  # it runs out by itself
                self._deps.store.release_lane(job.host, job.holder)  # (3)
            self._ended.set()
            job.after()

    def _run(self) -> R | WarmupError:
        try:
            return self._job.run()
        except WarmupError as exc:
            return exc
        except Exception as exc:
            logger.exception("A load of %s broke", self._job.holder.key)
            return WarmupError(f"the worker broke while it loaded a model: {exc!r}")

    def _write(self, end: R | WarmupError) -> T:
        """Write the record, however long Redis is away."""
        while True:
            try:
                record = self._job.record(end, self._deps.store.now())
            except StoreUnavailable as exc:
                logger.warning("The end of a load cannot be recorded yet: %s", exc)
                self._deps.clock.sleep(STORE_AGAIN_S)
            else:
                return record

    def _renew_until(self, over: Signal, stopped: Signal) -> None:
        """Renew the lease; a lost one never aborts a load, but is taken again."""
        job, held = self._job, True
        try:
            while not over.wait(RENEW_S):
                try:
                    kept = self._deps.store.renew_lane(job.host, job.holder)
                except StoreUnavailable:
                    continue
                if held and not kept:
                    logger.warning(
                        "The lane of %s was lost to another load; this one goes on",
                        job.host,
                    )
                held = kept
        finally:
            stopped.set()
