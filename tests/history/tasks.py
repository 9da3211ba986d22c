"""What `ollama.warmup` does for a pass: as `worker.warming` and `loading` do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ollama_warmup import errors
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Target
from tests.history.loop import Process
from tests.history.past import OURS, Asked
from tests.history.server import Server
from tests.history.store import Store
from worker.core import estimates, failures, memory, residency
from worker.core.domain import (
    Holder,
    HostView,
    Resident,
    Warmth,
)
from worker.core.passes import Seen

LANE_WAIT_S = 1.0
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
    holder = holder_of(means)
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


def holder_of(means: Means) -> Holder:
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
    late_s = means.holder.late_s if means.holder else None
    load_s = min(load_s, late_s or load_s)
    means.store.add_load(target.key, load_s, after.size_bytes)
    return Warmth(resident=after, left=view.left(after), load_s=load_s)
