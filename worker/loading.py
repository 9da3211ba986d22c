"""One load of a target: what is expected of it, its request, its proof, its record."""

import contextlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ollama_warmup.errors import (
    LoadFailed,
    OllamaDown,
    StoreUnavailable,
    WarmupError,
)
from worker.core import counting, estimates, failures
from worker.core.domain import Holder, HostView, LoadRecord, Resident, Warmth
from worker.core.warm_decision import TargetSnapshot
from worker.deps import Deps
from worker.model import Model
from worker.ports import LoadStore

logger = logging.getLogger(__name__)

RELOAD_S = 0.2
"""A loaded model is handed over in milliseconds; longer was a load (seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadJob:
    """One load, as `worker.keeper` runs it in a thread of its own."""

    snapshot: TargetSnapshot
    """The look with the lane taken."""
    holder: Holder
    model: Model
    deps: Deps

    @property
    def host(self) -> str:
        """The host's name."""
        return self.model.target.host

    def run(self) -> Warmth:
        """Send one inference with exactly the target's options; then look.

        Raises:
            LoadFailed: it answered, but no view lists it as wanted.
            WarmupError: what `ModelServer.infer` raises.
        """
        target, server = self.model.target, self.model.server
        logger.info(
            "Warming up Ollama model: %s (this may take a moment on first use)",
            target.model,
        )
        answer = server.infer(
            target.model,
            options=target.options,
            # Sent only to load: on a model about to go, it would wedge the server.
            keep_alive_s=None if self.snapshot.fits else target.keep_alive_s,
            embed=self.model.info.is_embedding_only,
            sample=target.sample,
            ceiling_s=self.deps.load_ceiling_s,
        )
        view = server.view()
        after = self.model.find(view)
        if after is None or not self.model.is_warm(after, view):
            raise LoadFailed(self._not_warm(view, after))
        logger.info(
            "Model warmup completed: %s (load_duration: %dms, total_duration: %dms)",
            target.model,
            round(answer.load_s * 1000),
            round(answer.total_s * 1000),
        )
        if self.snapshot.fits and answer.load_s < RELOAD_S:
            return Warmth(resident=after, left=view.left(after))
        self._remember(answer.load_s, after)
        return Warmth(
            resident=after,
            left=view.left(after),
            load_s=answer.load_s,
            reloaded_from=self._reloaded_from(after),
        )

    def record(self, end: Warmth | WarmupError, now: float) -> LoadRecord:
        """Write how the load ended, for all calls that wait for it, and count it.

        Nothing is written when nothing was sent, as no load failed then.

        Raises:
            StoreUnavailable: it is not written.
        """
        record = failures.record_of(
            end,
            holder=self.holder,
            before=self.snapshot.record,
            now=now,
            jitter=int(self.holder.nonce[:8], 16) / 0xFFFFFFFF,
        )
        if not isinstance(end, OllamaDown):
            call = self.snapshot.call
            adds = counting.of_load(
                end,
                holder=self.holder,
                host=self.host,
                model=call.counted_as,
                is_gentle=call.is_gentle,
            )
            self.deps.store.write_record(self.host, self.holder.key, record, adds=adds)
        return record

    def after(self) -> None:
        """Report that the load has ended."""
        self.deps.on_load_ended(self.host)

    def _remember(self, load_s: float, after: Resident) -> None:
        """Keep how long it took; of a load that was late, only until it was late."""
        load_s = min(load_s, self.holder.late_s or math.inf)
        store = self.deps.store
        with contextlib.suppress(StoreUnavailable):  # an estimate is no truth
            if load_s > store.longest(self.host)[0]:
                store.set_longest(self.host, load_s, after.size_bytes)
        with contextlib.suppress(StoreUnavailable):
            store.add_history(
                self.host,
                weights=_weights(self.model),
                context=_context(self.model),
                load_s=load_s,
            )

    def _reloaded_from(self, after: Resident) -> int | None:
        resident = self.snapshot.resident
        before = resident.context_length if resident else None
        return None if before == after.context_length else before

    def _not_warm(self, view: HostView, after: Resident | None) -> str:
        target, server = self.model.target, self.model.server
        what = f"{target.model!r} answered on {server.shown}, but /api/ps then "
        if after is None:
            listed = ", ".join(r.name for r in view.residents) or "nothing"
            return (
                f"{what}listed {listed}: it was unloaded at once; more models may be "
                "wanted than fit"
            )
        return (
            f"{what}showed it with context {after.context_length} and "
            f"{view.left(after).total_seconds():.0f} s left: somebody else reloads it "
            "with other options"
        )


def history(model: Model, store: LoadStore) -> list[float]:
    """Seconds of a target's earlier loads; raises `StoreUnavailable`."""
    return store.history(
        model.target.host, weights=_weights(model), context=_context(model)
    )


def late_after_s(model: Model, store: LoadStore, *, history: Sequence[float]) -> float:
    """After how many seconds a load of a target is late.

    Raises:
        WarmupError: what `ModelServer.tags` raises; `StoreUnavailable`.
    """
    tags = model.server.tags()
    longest_s, longest_bytes = store.longest(model.target.host)
    own = tags.get(model.target.name.normal)
    return estimates.late_s(
        history,
        size_bytes=own.size_bytes if own else 0,
        foreign_s=estimates.foreign_s(
            longest_s=longest_s,
            longest_bytes=longest_bytes,
            largest_bytes=max((t.size_bytes for t in tags.values()), default=0),
        ),
    )


def _weights(model: Model) -> str:
    return model.info.blob or model.target.name.normal


def _context(model: Model) -> int:
    return model.target.options.num_ctx or 0
