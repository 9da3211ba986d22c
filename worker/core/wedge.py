"""Is a host wedged, and which resident frees it? Pure.

A host is wedged when Ollama waits for a model to go that somebody has revived
meanwhile: every load hangs, while `/api/ps` and the loaded models answer. It ends
when any resident goes. Source: `useLoadedRunner` and `processPending`,
server/sched.go at 0.33 (ollama issue 17408); reproduced on 0.24.0 and 0.33.0.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ollama_warmup.target import Target
from worker.core.domain import Holder, HostView, Resident

VIEWS = 3
"""So many views in a row must show the same."""
AGAIN_S = 600.0
"""Between two wedges that are told of one host, seconds."""
LONG_WORK_S = 600.0
"""Somebody may be at one work for so long, which no view tells; seconds."""
MOVED_S = 1.0
"""The host's `Date` tells whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """The same residents in several views in a row, while a load of ours waits.

    Their timers may move: a loaded model serves on while every load hangs.
    """

    picture: str
    views: int
    since: float
    """When the load began, or something last came or went; by the store's clock."""
    seen_at: float
    """The first of these views, by the host's clock."""
    timers: Mapping[str, float]
    """When each resident was to go in that view, by digest; by the host's clock."""


def watch(
    before: Still | None, view: HostView, holder: Holder | None, *, now: float
) -> Still | None:
    """Count one more view; None while no load of ours that can be late is in flight.

    Args:
        before: of the view before.
        view: the new one.
        holder: the load of ours in flight on the host.
        now: by the store's clock.
    """
    if holder is None or holder.late_s is None:
        return None
    rows = sorted((r.digest, r.context_length) for r in view.residents)
    picture = f"{holder.nonce} {rows}"
    if before is not None and before.picture == picture:
        return replace(before, views=before.views + 1)
    is_new = before is None or not before.picture.startswith(holder.nonce)
    return Still(
        picture=picture,
        views=1,
        since=holder.began_at if is_new else now,
        seen_at=view.observed_at.timestamp(),
        timers={r.digest: r.expires_at.timestamp() for r in view.residents},
    )


def doubtful(
    still: Still | None, view: HostView, holder: Holder | None, *, now: float
) -> frozenset[str] | None:
    """Who may be what the host waits for, by digest; None while no load is late.

    A load may wait for another one, or for the end of somebody's work. Who was idle
    since and has not gone is not waited for. That is known of whose timer was
    restarted; it also moves by itself during the first work after a load, but just
    as the time does.

    Args:
        still: with the new view.
        view: the new one.
        holder: the load of ours in flight on the host.
        now: by the store's clock.
    """
    if still is None or still.views < VIEWS or holder is None or not holder.late_s:
        return None
    if now - still.since <= holder.late_s:
        return None
    return frozenset(r.digest for r in view.residents if not _was_idle(r, view, still))


def _was_idle(resident: Resident, view: HostView, since: Still) -> bool:
    was_to_go_at = since.timers[resident.digest]
    moved_s = resident.expires_at.timestamp() - was_to_go_at
    passed_s = view.observed_at.timestamp() - since.seen_at
    return moved_s > 0 and abs(moved_s - passed_s) > MOVED_S


def is_wedged(
    still: Still | None, view: HostView, doubts: Collection[str] | None, *, now: float
) -> bool:
    """Whether nothing moves any more, a resident looks idle, and nobody is waited for.

    Args:
        still: with the new view.
        view: the new one.
        doubts: what `doubtful` says of it.
        now: by the store's clock.
    """
    if still is None or doubts is None or not _idle(view):
        return False
    return not doubts or now - still.since > LONG_WORK_S


def victim(
    view: HostView,
    *,
    order: Sequence[Target],
    serves: Collection[tuple[str, str]],
    doubts: Collection[str],
    others: bool,
) -> Resident | None:
    """The resident to let go: the least wanted target, which comes back.

    One that is known to be idle, if there is one.

    Args:
        view: of a wedged host.
        order: the targets, most wanted first.
        serves: (target's key, digest of the resident that serves it).
        doubts: digests of those that may be at work.
        others: whether another may go if no target is idle.
    """
    looks_idle = {r.digest: r for r in _idle(view)}
    idle = {d: r for d, r in looks_idle.items() if d not in doubts} or looks_idle
    by_key = dict(serves)
    for target in reversed(order):
        if resident := idle.get(by_key.get(target.key, "")):
            return resident
    ours = set(by_key.values())
    foreign = [r for digest, r in idle.items() if digest not in ours]
    return min(foreign, key=view.left, default=None) if others else None


def _idle(view: HostView) -> list[Resident]:
    return [r for r in view.residents if view.left(r).total_seconds() > 0]
