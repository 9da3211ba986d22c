"""What the tasks of a pass do: as `worker.warming`, `loading` and `touching` do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ollama_warmup import errors
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Target
from tests.history.loop import Process, Wait
from tests.history.past import OURS, Asked
from tests.history.server import Server
from tests.history.store import Store
from worker.core import estimates, failures, memory, residency
from worker.core.domain import (
    Holder,
    HostView,
    Resident,
    TouchRecord,
    Warmth,
)
from worker.core.passes import Event, Kind, Seen, Touch

LANE_WAIT_S = 1.0
LOADS_AFTER_S = 1.0
RELOAD_S = 0.2
LATENCY_S = 0.01
"""Of Redis and the network, around every step."""


@dataclass(eq=False, slots=True)
class Means:
    """What one task of one target works with."""

    target: Target
    server: Server
    store: Store
    announce: Callable[[], None]
    """Called when a load has ended, and the lane is free again."""
    asked: Asked | None = None
    """The request in flight, which dies with its worker."""
    holder: Holder | None = None

    def find(self, view: HostView) -> Resident | None:
        seen = Seen(view=view, tags=self.server.tags, infos=self.server.infos)
        return memory.serving(self.target, view.residents, seen)

    def fits(self, resident: Resident | None, view: HostView) -> bool:
        if resident is None:
            return False
        info = self.server.infos[self.target.name.normal]
        expected = residency.wanted_context(self.target, resident, lambda: info)
        return residency.has_context(resident, expected) and residency.stays(
            resident, view
        )

    def infer(
        self, options: RunnerOptions, keep_alive_s: float | None
    ) -> Process[float]:
        """One token; the seconds until the runner was there."""
        yield LATENCY_S
        name = self.target.name.short
        self.asked = self.server.send(
            OURS, name, options.given(), tokens=1, keep_alive_s=keep_alive_s
        )
        yield from self.server.wait(self.asked)
        return (self.asked.granted_at or 0.0) - self.asked.at


def warm(means: Means, *, void_at: float, waits: Sequence[float]) -> Process[None]:
    """`ollama.warmup`, gentle: until it is answered, or its message is void."""
    tries = 0
    while means.server.loop.now <= void_at:
        try:
            again_s = yield from _make_warm(means)
        except errors.Transient:
            again_s = waits[tries] if tries < len(waits) else None
            tries += 1
        except errors.WarmupError:
            return
        if again_s is None:
            return
        yield again_s


def _make_warm(means: Means) -> Process[float | None]:
    """One run; seconds until the next one, or None when there is none."""
    store, server = means.store, means.server
    view = yield from server.view()
    yield LATENCY_S
    holder = store.lane()
    if holder is not None:
        yield LANE_WAIT_S
        return 0.02
    done, again_s = _answer(means, view)
    if done:
        return again_s
    holder = _holder(means)
    if not store.take_lane(holder):
        return 0.02
    means.holder = holder
    try:
        view = yield from server.view()
    except errors.WarmupError:
        store.release_lane(holder)
        raise
    yield LATENCY_S
    done, again_s = _answer(means, view)
    if done:
        store.release_lane(holder)
        return again_s
    yield from _load(means, holder)
    return None


def _answer(means: Means, view: HostView) -> tuple[bool, float | None]:
    """Steps (1) and (2): whether that was all, and when to come again."""
    store, resident = means.store, means.find(view)
    fits = means.fits(resident, view)
    record = store.record(means.target.key)
    failed = record is not None and record.error is not None
    error = failures.revive(record.error or "", "") if failed and record else None
    if not error or (fits and not failures.doubts_views(error)):
        if resident is not None:  # as wanted, or a gentle call leaves it alone
            store.sent = None
            return True, None
        return False, None
    left_s = record.blocked_until - store.now() if record else 0.0
    if left_s <= 0:
        return False, None
    return True, None if record and record.is_final else min(left_s, LANE_WAIT_S)


def _holder(means: Means) -> Holder:
    store, key = means.store, means.target.key
    history = store.loads.get(key, [])
    tags = means.server.tags
    longest_s, longest_bytes = store.longest
    late_s = estimates.late_s(
        history,
        size_bytes=tags[means.target.name.normal].size_bytes,
        foreign_s=estimates.foreign_s(
            longest_s=longest_s,
            longest_bytes=longest_bytes,
            largest_bytes=max(tag.size_bytes for tag in tags.values()),
        ),
    )
    return Holder(
        nonce=f"{store.now():.6f}",
        key=key,
        task_id="t",
        process="w:1",
        began_at=store.now(),
        expected_s=estimates.expected_s(history),
        late_s=late_s,
    )


def _load(means: Means, holder: Holder) -> Process[None]:
    """Step (6): load, verify, write how it ended, give the lane back."""
    store = means.store
    before = store.record(means.target.key)
    end: Warmth | errors.WarmupError
    try:
        end = yield from _loaded(means)
    except errors.WarmupError as exc:
        end = exc
    record = failures.record_of(
        end, holder=holder, before=before, now=store.now(), jitter=0.5
    )
    if not isinstance(end, errors.OllamaDown):
        store.records[holder.key] = record
    yield 0.002
    store.release_lane(holder)
    means.holder = means.asked = None
    means.announce()
    return None


def _loaded(means: Means) -> Process[Warmth]:
    target, server = means.target, means.server
    load_s = yield from means.infer(target.options, target.keep_alive_s)
    view = yield from server.view()
    after = means.find(view)
    if after is None or not means.fits(after, view):
        raise errors.LoadFailed("not warm")
    means.store.add_load(target.key, load_s, after.size_bytes)
    return Warmth(resident=after, left=view.left(after), load_s=load_s)


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
        holder = replace(_holder(means), expected_s=None, late_s=None)
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
        if not is_quick:
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
