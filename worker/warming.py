"""Use case: make one target warm, and prove it.

Called by the task `ollama.warmup`. It decides here; it sends through
`worker.adapters.ollama`; identity and warmth are judged in
`worker.core.residency`.
"""

import logging
from functools import cached_property

from ollama_warmup.durations import format_short
from ollama_warmup.errors import InUse, LoadFailed, Refused
from ollama_warmup.target import Target
from worker.adapters.ollama import Ollama
from worker.core import residency
from worker.core.domain import HostView, How, ModelInfo, Outcome, Resident

logger = logging.getLogger(__name__)

RELOAD_S = 0.2
"""A loaded model is handed over in milliseconds; longer was a load (seconds)."""


def make_warm(
    target: Target,
    *,
    ollama: Ollama,
    prove: bool = False,
) -> Outcome:
    """Have the target loaded with exactly its runner options, and verify it.

    (1) Resident with the expected context: it is warm, nothing is sent; but
        options that `/api/ps` does not show are proven by an inference, and so
        is everything if `prove`.
    (2) Resident with another context and busy: refuse, somebody is using it.
    (3) One inference with the target's options loads it.
    (4) It is warm when a new view lists it, with that context and time left.

    Args:
        target: what is wanted.
        ollama: its host.
        prove: believe no view, as after an inference that failed.

    Raises:
        WarmupError: `InUse` for (2), `LoadFailed` for (4), `Refused` for a cloud
            model, and whatever `ollama` raises.
    """
    model = _Model(target, ollama)
    view = ollama.view()
    before = model.find(view)
    fits = before is not None and model.is_warm(before, view)
    if before is not None and fits and not (prove or _hidden(target)):  # (1)
        logger.info("%s", _already(target, view, before))
        return Outcome(
            how=How.ALREADY_WARM, resident=before, left=view.left(before), load_s=0.0
        )
    if before is not None and not fits and residency.is_busy(before, view):  # (2)
        raise InUse(
            f"{target.model!r} is busy on {ollama.shown} with context "
            f"{before.context_length}: loading it with other options would make its "
            "users wait; send what they send, or try again when it is idle"
        )
    if model.info.is_remote:
        raise Refused(
            f"{target.model!r} stands for a model in Ollama's cloud: there is "
            "nothing to warm"
        )
    return _load(model, before, fits=fits)  # (3), (4)


def find_resident(target: Target, *, ollama: Ollama) -> Resident | None:
    """The resident that serves the target's model now, under whatever name.

    Its options may differ from the target's. Raises what `ollama` raises.
    """
    return _Model(target, ollama).find(ollama.view())


def _load(model: "_Model", before: Resident | None, *, fits: bool) -> Outcome:
    target, ollama = model.target, model.ollama
    logger.info(
        "Warming up Ollama model: %s (this may take a moment on first use)",
        target.model,
    )
    answer = ollama.infer(
        target.model,
        options=target.options,
        # Sent only to load: on a model about to go, it would wedge the server.
        keep_alive_s=None if fits else target.keep_alive_s,
        embed=model.info.is_embedding_only,
    )
    view = ollama.view()
    after = model.find(view)
    if after is None or not model.is_warm(after, view):
        raise LoadFailed(_not_warm(model, view, after))
    loaded = not fits or answer.load_s >= RELOAD_S
    logger.info(
        "Model warmup completed: %s (load_duration: %dms, total_duration: %dms)",
        target.model,
        round(answer.load_s * 1000),
        round(answer.total_s * 1000),
    )
    return Outcome(
        how=How.LOADED if loaded else How.ALREADY_WARM,
        resident=after,
        left=view.left(after),
        load_s=answer.load_s if loaded else 0.0,
        reloaded_from=before.context_length if before and not fits else None,
    )


class _Model:
    """The target's model on its host; asks the host only for what is needed."""

    def __init__(self, target: Target, ollama: Ollama) -> None:
        self.target = target
        self.ollama = ollama

    @cached_property
    def info(self) -> ModelInfo:
        return self.ollama.show(self.target.model)

    def find(self, view: HostView) -> Resident | None:
        """The resident that serves this model, under whatever name."""
        if not view.residents:
            return None
        name = self.target.name
        return (
            residency.by_name(name, view.residents)
            or residency.by_digest(
                self.ollama.digests().get(name.normal), view.residents
            )
            or self._by_blob(view)
        )

    def _by_blob(self, view: HostView) -> Resident | None:
        blob = self.info.blob
        if blob is None:
            return None
        shown = ((r, self.ollama.show(r.name).blob) for r in view.residents)
        return next((resident for resident, other in shown if other == blob), None)

    def is_warm(self, resident: Resident, view: HostView) -> bool:
        """Whether this resident is the target: its context, and it stays."""
        return residency.has_context(
            resident, self._expected(resident)
        ) and residency.stays(resident, view)

    def _expected(self, resident: Resident) -> int | None:
        """The context it must have; a child's own when its parent is resident."""
        num_ctx = self.target.options.num_ctx
        named = residency.by_name(self.target.name, (resident,)) is not None
        if named and num_ctx in {None, resident.context_length}:
            return num_ctx
        if num_ctx is None and not named:
            num_ctx = self.info.modelfile_num_ctx
        return residency.expected_context(num_ctx, self.info)


def _hidden(target: Target) -> bool:
    """Whether it has runner options that `/api/ps` does not show."""
    return bool(target.options.given().keys() - {"num_ctx"})


def _already(target: Target, view: HostView, resident: Resident) -> str:
    left = view.left(resident)
    stay = (
        "stays"
        if residency.is_forever(left)
        else "busy"
        if residency.is_busy(resident, view)
        else f"expires in {format_short(left.total_seconds())}"
    )
    context = resident.context_length
    return f"Model already warm: {target.model} (context_length: {context}, {stay})"


def _not_warm(model: _Model, view: HostView, after: Resident | None) -> str:
    what = f"{model.target.model!r} answered on {model.ollama.shown}, but /api/ps "
    if after is None:
        listed = ", ".join(r.name for r in view.residents) or "nothing"
        return (
            f"{what}then listed {listed}: it was unloaded at once; more models may "
            "be wanted than fit"
        )
    return (
        f"{what}then showed it with context {after.context_length} and "
        f"{view.left(after).total_seconds():.0f} s left: somebody else reloads it "
        "with other options"
    )
