"""Use case: restart the timer of a resident target.

A touch is an empty prompt without `keep_alive`. On the runner that it means it is
answered in 20-80 ms. Unanswered after a second it has become a load: the runner was
dead, or has options that no view shows. It is never hung up on then, as that would
kill the load; a keeper holds it, and proves the model by one token.
"""

import logging
from dataclasses import dataclass, replace
from enum import StrEnum

from ollama_warmup.errors import WarmupError
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Target
from worker.core import counting, estimates, residency, telling
from worker.core.domain import Holder, HostView, Resident, TouchRecord
from worker.core.passes import Event, Kind
from worker.deps import Deps
from worker.keeper import Keeper
from worker.model import Model

logger = logging.getLogger(__name__)

LOADS_AFTER_S = 1.0
"""A touch that is not answered by then has become a load, seconds."""


class Touched(StrEnum):
    """How a touch ended."""

    TOUCHED = "touched"
    LOADING = "loading"
    """It has become a load, and goes on."""
    BUSY = "busy"
    """Somebody is using the model: it was not sent."""
    GONE = "gone"
    """Another resident is there now, or none: it was not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One touch."""

    target: Target
    digest: str
    """Of the resident that is meant."""
    num_ctx: int | None
    """Sent instead of the target's own; None = the target's options as they are."""
    task_id: str
    process: str
    """`node:pid`, for people."""


def touch(call: Call, deps: Deps) -> Touched:
    """Restart the timer of a resident, if it is still the one that was meant.

    (1) Another one, or none, is resident by now, or it is busy: nothing is sent.
    (2) Answered within a second: done.
    (3) Else it has become a load: the lane is taken if it is free, and this run ends.

    Raises:
        WarmupError: what `ModelServer.touch` raises within the second;
            `StoreUnavailable`.
    """
    host, server = call.target.host, deps.server(call.target.host)
    model = Model(call.target, server)
    view = server.view()
    resident = model.find(view)
    if resident is None or not _is_meant(resident, call):  # (1)
        return Touched.GONE
    if residency.is_busy(resident, view):
        return Touched.BUSY
    holder = Holder(
        nonce=deps.nonce(),
        key=call.target.key,
        task_id=call.task_id,
        process=call.process,
        began_at=deps.store.now(),
        expected_s=None,
        late_s=estimates.late_s(
            (), size_bytes=resident.size_bytes, foreign_s=deps.store.longest(host)[0]
        ),
    )
    job = _TouchJob(call=call, deps=deps, model=model, before=resident, holder=holder)
    keeper = Keeper(job, deps)
    keeper.start()
    if not keeper.wait(LOADS_AFTER_S):  # (3)
        job.has_become_load()
        return Touched.LOADING
    end, _ = keeper.end()  # (2)
    if isinstance(end, WarmupError):
        raise end
    return Touched.TOUCHED


def _is_meant(resident: Resident, call: Call) -> bool:
    return resident.digest == call.digest and (
        call.num_ctx in {None, resident.context_length}
    )


@dataclass(slots=True, kw_only=True)
class _TouchJob:
    """One touch that is sent, whatever it turns out to be."""

    call: Call
    deps: Deps
    model: Model
    before: Resident
    holder: Holder
    has_told: bool = False

    @property
    def host(self) -> str:
        """The host's name."""
        return self.call.target.host

    def has_become_load(self) -> None:
        """Write the event, and take the lane if it is free; it goes on in any case."""
        self._tell_load()
        if not self.deps.store.take_lane(self.host, self.holder):
            logger.warning(
                "A touch of %s loads it while another load has the lane of %s",
                self.call.target.model,
                self.host,
            )

    def run(self) -> TouchRecord:
        """Send the touch; prove the model by a token if it has become a load."""
        server, target = self.model.server, self.call.target
        options, clock = self._options, self.deps.clock
        embed, ceiling_s = self.model.info.is_embedding_only, self.deps.load_ceiling_s
        began = clock.monotonic()
        server.touch(target.model, options=options, embed=embed, ceiling_s=ceiling_s)
        was_load = clock.monotonic() - began > LOADS_AFTER_S
        # An answer without a token proves nothing of a new runner; but one that had to
        # go again at once would be loaded once more, in the place of another.
        if was_load and self.model.find(server.view()) is not None:
            server.infer(
                target.model,
                options=options,
                keep_alive_s=None,
                embed=embed,
                ceiling_s=ceiling_s,
            )
        return self._touched(server.view(), was_load=was_load)

    @property
    def _options(self) -> RunnerOptions:
        if self.call.num_ctx is None:
            return self.call.target.options
        return replace(self.call.target.options, num_ctx=self.call.num_ctx)

    def _touched(self, view: HostView, *, was_load: bool) -> TouchRecord:
        after = self.model.find(view)
        changed = after and after.context_length != self.before.context_length
        moved = after and after.expires_at > self.before.expires_at
        return TouchRecord(
            at=0.0,
            digest=self.call.digest,
            context_length=after.context_length if after else None,
            left_s=view.left(after).total_seconds() if after and moved else None,
            was_load=bool(was_load or changed or after is None),
            was_ours=self.call.num_ctx is None,
        )

    def record(self, end: TouchRecord | WarmupError, now: float) -> TouchRecord:
        """Write how the touch ended, for passes, and count it."""
        if isinstance(end, WarmupError):
            error = type(end).__name__
            end = TouchRecord(at=now, digest=self.call.digest, error=error)
        record = replace(end, at=now)
        if record.was_load:
            self._tell_load()
        target = self.call.target
        adds = counting.of_touch(record, host=target.host, model=target.model)
        self.deps.passes.write_touch(target.host, target.key, record, adds=adds)
        return record

    def after(self) -> None:
        """Report that a load has ended, if the touch was one."""
        if self.has_told:
            self.deps.on_load_ended(self.host)

    def _tell_load(self) -> None:
        """Write the event that the touch was a load, once."""
        if self.has_told:
            return
        ours = self.call.num_ctx is None
        kind = Kind.CRASHED if ours else Kind.RELOADED_BY_TOUCH
        event = Event(
            at=self.deps.store.now(),
            host=self.host,
            model=self.call.target.model,
            kind=kind,
            why=_WHY[kind],
        )
        self.deps.passes.add_events([event])
        self.has_told = True
        logger.warning("%s", telling.sentence(event))


_WHY = {
    Kind.CRASHED: "its runner had died, and a touch loaded it again",
    Kind.RELOADED_BY_TOUCH: "it had been loaded with options that /api/ps does not "
    "show, and a touch loaded it again; this residency is not touched any more",
}
