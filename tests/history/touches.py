"""What `ollama.touch` and `ollama.cure` do, as the worker does it."""

from dataclasses import replace

from ollama_warmup import errors
from ollama_warmup.request import RunnerOptions
from tests.history.loop import Process, Wait
from tests.history.past import OURS
from tests.history.server import Server
from tests.history.store import Store
from tests.history.tasks import LATENCY_S, Means, holder_of
from worker.core import estimates, residency
from worker.core.domain import Resident, TouchRecord
from worker.core.passes import Event, Kind, Touch

LOADS_AFTER_S = 1.0


def touch(means: Means, call: Touch) -> Process[None]:
    """`ollama.touch`; raises what the view raises."""
    server, store = means.server, means.store
    view = yield from server.view()
    resident = means.find(view)
    if resident is None or resident.digest != call.digest:
        return
    if call.num_ctx not in {None, resident.context_length}:
        return
    if residency.is_busy(resident, view):
        return
    yield LATENCY_S
    options = means.target.options
    if call.num_ctx is not None:
        options = replace(options, num_ctx=call.num_ctx)
    means.asked = server.send(OURS, means.target.name.short, options.given())
    is_quick = yield Wait(means.asked.over, LOADS_AFTER_S)
    if not is_quick:
        _tell_load(means, call)
        longest_s, _ = store.longest
        late_s = estimates.late_s(
            (), size_bytes=resident.size_bytes, foreign_s=longest_s
        )
        holder = replace(holder_of(means), expected_s=None, late_s=late_s)
        means.holder = holder if store.take_lane(holder) else None
    record = yield from _record(means, call, resident, options, is_quick=is_quick)
    if record.was_load and is_quick:
        _tell_load(means, call)
    store.touches[means.target.key] = record
    if means.holder:
        store.release_lane(means.holder)
    means.holder = means.asked = None
    if record.was_load:
        means.announce()


def _record(
    means: Means,
    call: Touch,
    before: Resident,
    options: RunnerOptions,
    *,
    is_quick: bool,
) -> Process[TouchRecord]:
    server, store = means.server, means.store
    try:
        if means.asked:
            yield from server.wait(means.asked)
        if not is_quick and means.find((yield from server.view())) is not None:
            yield from means.infer(options, None)
        view = yield from server.view()
    except errors.WarmupError as exc:
        return TouchRecord(at=store.now(), digest=call.digest, error=type(exc).__name__)
    after = means.find(view)
    changed = after and after.context_length != before.context_length
    moved = after and after.expires_at > before.expires_at
    return TouchRecord(
        at=store.now(),
        digest=call.digest,
        context_length=after.context_length if after else None,
        left_s=view.left(after).total_seconds() if after and moved else None,
        was_load=bool(not is_quick or changed or after is None),
        was_ours=call.num_ctx is None,
    )


def _tell_load(means: Means, call: Touch) -> None:
    kind = Kind.CRASHED if call.num_ctx is None else Kind.RELOADED_BY_TOUCH
    target, now = means.target, means.store.now()
    means.store.events.append(
        Event(at=now, host=target.host, model=target.model, kind=kind)
    )


def cure(server: Server, store: Store, resident: str) -> Process[None]:
    """`ollama.cure`."""
    holder = store.lane()
    if holder is None or holder.late_s is None:
        return
    if store.now() - holder.began_at <= holder.late_s:
        return
    view = yield from server.view()
    if not any(r.name == resident for r in view.residents):
        return
    yield LATENCY_S
    server.unload(resident)
    event = Event(at=store.now(), host="gpu", model=resident, kind=Kind.CURED)
    store.events.append(event)
