"""What a runner is started with, and which requests it then cannot serve."""

from dataclasses import dataclass, replace

from worker.simulator.physics.models import Capability, Model
from worker.simulator.physics.options import RunnerOptions, ServerSettings, Wanted

_BATCHES = ((32768, 2048), (4096, 1024))
"""The automatic batch of a context above so many tokens; 512 below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """What a runner was started with."""

    options: RunnerOptions
    context_length: int
    num_ctx_auto: bool
    num_batch_auto: bool
    use_mmap_auto: bool
    shift: bool


def launch(model: Model, wanted: Wanted, *, settings: ServerSettings) -> Launched:
    """Settle what a runner is started with.

    The context is clipped to the training context; an automatic batch follows the
    context; memory mapping is switched off without a GPU.

    Source: `server/sched.go`, load, generationBatchForContext and
    disableMmapDefaultReason.
    """
    options = wanted.options
    context = min(options.num_ctx, model.weights.train_context)
    mmap_auto = False
    if not settings.legacy:
        options = replace(options, num_ctx=context)
        if wanted.num_batch_auto and Capability.COMPLETION in model.capabilities:
            batch = _generation_batch(context * parallel(model, settings))
            options = replace(options, num_batch=batch)
        on_cpu = not settings.gpu or options.num_gpu == 0
        if options.use_mmap is None and on_cpu:
            options = replace(options, use_mmap=False)
            mmap_auto = True
    return Launched(
        options=options,
        context_length=context,
        num_ctx_auto=wanted.num_ctx_auto,
        num_batch_auto=wanted.num_batch_auto,
        use_mmap_auto=mmap_auto,
        shift=wanted.shift,
    )


def needs_reload(
    launched: Launched, wanted: Wanted, *, train_context: int, legacy: bool = False
) -> bool:
    """Tell whether a request cannot use a runner as it was started.

    (1) The wanted context is clipped to the training context, and ignored when
        both it and the runner's are automatic.
    (2) The wanted batch is ignored when both are automatic.
    (3) Memory mapping that was not asked for matches what was derived.
    (4) A wanted `num_gpu` below zero matches any.
    (5) Another `shift`, or any other difference, reloads.

    Servers up to 0.24 know only (4) and plain equality.

    Source: `server/sched.go`, needsReload.
    """
    have, new = launched.options, wanted.options
    if not legacy:
        new = replace(new, num_ctx=min(new.num_ctx, train_context))  # (1)
        if launched.num_ctx_auto and wanted.num_ctx_auto:
            new = replace(new, num_ctx=have.num_ctx)
        if launched.num_batch_auto and wanted.num_batch_auto:  # (2)
            new = replace(new, num_batch=have.num_batch)
        if launched.use_mmap_auto and new.use_mmap is None:  # (3)
            new = replace(new, use_mmap=have.use_mmap)
    if new.num_gpu < 0:  # (4)
        new = replace(new, num_gpu=have.num_gpu)
    return have != new or (not legacy and launched.shift != wanted.shift)  # (5)


def lower_auto_context(wanted: Wanted, *, train_context: int) -> Wanted | None:
    """Lower an automatic context one step after running out of memory.

    Returns:
        The same wish with the context of the next lower tier; None when the
        context was asked for or is the lowest already.

    Source: `server/sched.go`, reduceAutoNumCtxForLoadOOM and nextLowerAutoNumCtx.
    """
    if not wanted.num_ctx_auto:
        return None
    context = min(wanted.options.num_ctx, train_context)
    lower = next((tier for tier in (32768, 4096) if context > tier), None)
    if lower is None:
        return None
    return replace(wanted, options=replace(wanted.options, num_ctx=lower))


def parallel(model: Model, settings: ServerSettings) -> int:
    """How many requests one runner of this model works on at once.

    Source: `server/sched.go`, load: one slot for models that only embed.
    """
    completes = Capability.COMPLETION in model.capabilities
    return max(settings.num_parallel, 1) if completes else 1


def _generation_batch(context: int) -> int:
    return next((batch for above, batch in _BATCHES if context > above), 512)
