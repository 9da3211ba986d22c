"""Use case: one call wants one model on a host's disk.

Called by the task `ollama.pull`, in any number of processes at once: one download
serves all callers of a model, and a host has one at a time, so that pulls leave
slots to those who warm. A run downloads for a slice of time; the host keeps what is
there, and the next run goes on from it. `worker.adapters.download` sends.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from ollama_warmup.errors import PullFailed, StoreUnavailable
from ollama_warmup.target import Target
from worker.core.calls import Queued
from worker.core.domain import RENEW_S, Progress, Tag
from worker.deps import Deps
from worker.ports import Download, ModelServer

logger = logging.getLogger(__name__)

LEASE_WAIT_S = 1.0
"""How long a call holds its slot for a pull that another one has."""
LOOK_S = 0.1
"""Between two looks at a pull that another one has."""
PROGRESS_S = 1.0
"""Between two reports of progress, seconds."""
MUTE_S = 60.0
"""A host tells its progress 16 times a second; this long without a line is no pull."""
STALL_S = 120.0
"""Without a byte; Ollama itself gives a part up after six tries, 63 s."""

OnProgress = Callable[[Progress], None]
"""Takes the progress of a download."""


class How(StrEnum):
    """How a pull ended well."""

    PULLED = "pulled"
    """This call downloaded it, or the rest of it."""
    JOINED = "joined"
    """This call waited for a download that another one ended."""
    ALREADY_THERE = "already_there"
    """There was nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run of a task that wants a model pulled."""

    target: Target
    holder: str
    """Tells this run from any other, and people where it runs and what it pulls."""
    slice_s: float
    """Seconds that this run may download."""
    patience_s: float
    """Seconds that it may last while the host checks what has come, >= slice_s."""
    waiting_since: float | None = None
    """When the first run of this task began, by the store's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """The host has the model."""

    how: How
    stored: Tag


def pull(order: Order, deps: Deps, *, on_progress: OnProgress) -> Pulled | Queued:
    """Have the host download the model; report how far it is.

    (1) The host has it: answer. It is not looked up whether the registry has a
        newer one.
    (2) Another call pulls, this model or another: wait a moment, then go to the
        tail of the queue. All take turns, a slice each.
    (3) With the lease taken, look once more as in (1).
    (4) Download until it is there or the slice is over. What has come whole is
        waited for longer: a host that checks it must not be cut short.

    Raises:
        WarmupError: what `Download.check` raises; `PullFailed` also for a download
            that stands still; `StoreUnavailable`; what
            `ModelServer` raises.
    """
    server = deps.server(order.target.host)
    return _Run(order, deps, server, on_progress).run()


@dataclass(slots=True)
class _Run:
    """One run of `pull`."""

    order: Order
    deps: Deps
    server: ModelServer
    on_progress: OnProgress
    is_held: bool = True
    renewed_at: float = field(init=False)

    def run(self) -> Pulled | Queued:
        order, store = self.order, self.deps.store
        if (stored := self._stored()) is not None:  # (1)
            waited = order.waiting_since is not None
            return Pulled(
                how=How.JOINED if waited else How.ALREADY_THERE, stored=stored
            )
        since = order.waiting_since or store.now()
        if not self._take():  # (2)
            return Queued(waiting_since=since)
        try:
            if (stored := self._stored()) is not None:  # (3)
                return Pulled(how=How.JOINED, stored=stored)
            is_there = self._download()  # (4)
        finally:
            with contextlib.suppress(StoreUnavailable):  # it runs out by itself
                store.release_pull(*self._lease)
        return self._pulled() if is_there else Queued(waiting_since=since)

    @property
    def _lease(self) -> tuple[str, str]:
        return self.order.target.host, self.order.holder

    def _stored(self) -> Tag | None:
        return self.server.tags().get(self.order.target.name.normal)

    def _pulled(self) -> Pulled:
        stored = self._stored()
        if stored is None:
            raise PullFailed(
                f"host {self.server.shown} says that {self.order.target.model!r} "
                "is pulled, but does not list it: was it deleted at once?"
            )
        logger.info(
            "Model pulled: %s (%d bytes)", self.order.target.model, stored.size_bytes
        )
        return Pulled(how=How.PULLED, stored=stored)

    def _take(self) -> bool:
        clock = self.deps.clock
        gives_up_at = clock.monotonic() + LEASE_WAIT_S
        while not self.deps.store.hold_pull(*self._lease):
            if clock.monotonic() >= gives_up_at:
                return False
            clock.sleep(LOOK_S)
        self.renewed_at = clock.monotonic()
        return True

    def _download(self) -> bool:
        """Whether it is there; False when the slice is over before."""
        target, clock = self.order.target, self.deps.clock
        logger.info("Pulling Ollama model: %s onto %s", target.model, target.host)
        with self.server.pull(target.model) as download:
            watch = _Watch(began_at=clock.monotonic())
            left_s = self.order.slice_s
            while not download.wait(min(PROGRESS_S, left_s)):
                now = clock.monotonic()
                self._keep(now)
                self.on_progress(download.progress)
                watch.look(download, now)
                left_s = watch.left_s(download.progress, self.order, now)
                if left_s <= 0:
                    return False
                if (why := watch.complaint(download.progress, now)) is not None:
                    raise PullFailed(self._stands_still(why))
            download.check()
        return True

    def _keep(self, now: float) -> None:
        """A lost lease aborts no download: a host joins those of one model."""
        if now - self.renewed_at < RENEW_S:
            return
        self.renewed_at = now
        try:
            kept = self.deps.store.hold_pull(*self._lease)
        except StoreUnavailable:
            return
        if self.is_held and not kept:
            logger.warning(
                "The pull of %s was lost to another; this one goes on",
                self.order.target.model,
            )
        self.is_held = kept

    def _stands_still(self, why: str) -> str:
        return (
            f"the pull of {self.order.target.model!r} onto {self.server.shown} "
            f"stands still ({why}): is its registry slow, or the host wedged? Pull "
            "again, it goes on from what is there"
        )


@dataclass(slots=True)
class _Watch:
    """Whether a download still moves."""

    began_at: float
    heard: int = 0
    heard_at: float = field(init=False)
    progress: Progress = field(default_factory=Progress)
    moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.heard_at = self.moved_at = self.began_at

    def look(self, download: Download, now: float) -> None:
        if download.heard != self.heard:
            self.heard, self.heard_at = download.heard, now
        if download.progress != self.progress:
            self.progress, self.moved_at = download.progress, now

    def left_s(self, progress: Progress, order: Order, now: float) -> float:
        whole_s = order.patience_s if progress.is_finishing else order.slice_s
        return whole_s - (now - self.began_at)

    def complaint(self, progress: Progress, now: float) -> str | None:
        if progress.is_finishing:
            return None
        if now - self.heard_at > MUTE_S:
            return f"no word for {MUTE_S:.0f} s"
        if now - self.moved_at > STALL_S:
            return f"no byte for {STALL_S:.0f} s"
        return None
