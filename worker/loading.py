"""One load: send the inference that loads a model, and verify it."""

import contextlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ollama_warmup.errors import LoadFailed, StoreUnavailable
from worker.adapters.store import Store
from worker.core import estimates
from worker.core.domain import HostView, Resident, Warmth
from worker.model import Model

logger = logging.getLogger(__name__)

RELOAD_S = 0.2
"""A loaded model is handed over in milliseconds; longer was a load (seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What a load needs to know; `run` may be called in any thread."""

    model: Model
    store: Store
    before: Resident | None
    """The resident that serves this model now, with whatever options."""
    fits: bool
    """Whether it is warm as far as a view shows: the inference only proves it."""
    ceiling_s: float
    late_s: float = math.inf
    """Of a load that took longer only so much is remembered: the rest was a wedge."""

    def run(self) -> Warmth:
        """Send one inference with exactly the target's options; then look.

        Raises:
            LoadFailed: it answered, but no view lists it as wanted.
            WarmupError: what `Ollama.infer` raises.
        """
        target, ollama = self.model.target, self.model.ollama
        logger.info(
            "Warming up Ollama model: %s (this may take a moment on first use)",
            target.model,
        )
        answer = ollama.infer(
            target.model,
            options=target.options,
            # Sent only to load: on a model about to go, it would wedge the server.
            keep_alive_s=None if self.fits else target.keep_alive_s,
            embed=self.model.info.is_embedding_only,
            sample=target.sample,
            ceiling_s=self.ceiling_s,
        )
        view = ollama.view()
        after = self.model.find(view)
        if after is None or not self.model.is_warm(after, view):
            raise LoadFailed(self._not_warm(view, after))
        logger.info(
            "Model warmup completed: %s (load_duration: %dms, total_duration: %dms)",
            target.model,
            round(answer.load_s * 1000),
            round(answer.total_s * 1000),
        )
        if self.fits and answer.load_s < RELOAD_S:
            return Warmth(resident=after, left=view.left(after))
        self._remember(min(answer.load_s, self.late_s), after)
        return Warmth(
            resident=after,
            left=view.left(after),
            load_s=answer.load_s,
            reloaded_from=self._reloaded_from(after),
        )

    def history(self) -> list[float]:
        """Seconds of this target's earlier loads; raises `StoreUnavailable`."""
        return self.store.history(
            self.model.target.host, weights=self._weights, context=self._context
        )

    def late_after_s(self, history: Sequence[float]) -> float:
        """After how many seconds this load is late; raises what `Ollama` raises."""
        host, tags = self.model.target.host, self.model.ollama.tags()
        longest_s, longest_bytes = self.store.longest(host)
        own = tags.get(self.model.target.name.normal)
        return estimates.late_s(
            history,
            size_bytes=own.size_bytes if own else 0,
            foreign_s=estimates.foreign_s(
                longest_s=longest_s,
                longest_bytes=longest_bytes,
                largest_bytes=max((t.size_bytes for t in tags.values()), default=0),
            ),
        )

    def _remember(self, load_s: float, after: Resident) -> None:
        host = self.model.target.host
        with contextlib.suppress(StoreUnavailable):
            if load_s > self.store.longest(host)[0]:
                self.store.set_longest(host, load_s, after.size_bytes)
        with contextlib.suppress(StoreUnavailable):  # an estimate is no truth
            self.store.add_history(
                self.model.target.host,
                weights=self._weights,
                context=self._context,
                load_s=load_s,
            )

    @property
    def _weights(self) -> str:
        return self.model.info.blob or self.model.target.name.normal

    @property
    def _context(self) -> int:
        return self.model.target.options.num_ctx or 0

    def _reloaded_from(self, after: Resident) -> int | None:
        before = self.before.context_length if self.before else None
        return None if before == after.context_length else before

    def _not_warm(self, view: HostView, after: Resident | None) -> str:
        target, ollama = self.model.target, self.model.ollama
        what = f"{target.model!r} answered on {ollama.shown}, but /api/ps then "
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
