"""Is a host wedged, and which resident frees it? Pure.

A host is wedged when Ollama waits for a model to go that somebody has revived
meanwhile: every load hangs, while `/api/ps` and the loaded models answer. It ends
when any resident goes. Source: `useLoadedRunner` and `processPending`,
server/sched.go at 0.33 (ollama issue 17408); reproduced on 0.24.0 and 0.33.0.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ollama_warmup.target import Target
from worker.core.domain import Holder, HostView, Resident

VIEWS = 3
"""So many views in a row must show the same."""
AGAIN_S = 600.0
"""Between two wedges that are told of one host, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """The same residents in several views in a row, while a load of ours is late.

    Their timers may move: a loaded model serves on while every load hangs.
    """

    picture: str
    views: int


def watch(
    before: Still | None, view: HostView, holder: Holder | None, *, now: float
) -> Still | None:
    """Count one more view; None while no load of ours is late.

    Args:
        before: of the view before.
        view: the new one.
        holder: the load of ours in flight on the host.
        now: by the store's clock.
    """
    if holder is None or holder.late_s is None:
        return None
    if now - holder.began_at <= holder.late_s:
        return None
    rows = sorted((r.digest, r.context_length) for r in view.residents)
    picture = f"{holder.nonce} {rows}"
    same = before is not None and before.picture == picture
    return Still(picture=picture, views=before.views + 1 if before and same else 1)


def is_wedged(still: Still | None, view: HostView) -> bool:
    """Whether nothing moves any more, and a resident looks idle."""
    return still is not None and still.views >= VIEWS and bool(_idle(view))


def victim(
    view: HostView,
    *,
    order: Sequence[Target],
    serves: Collection[tuple[str, str]],
    others: bool,
) -> Resident | None:
    """The resident to let go: the least wanted target, which comes back.

    Args:
        view: of a wedged host.
        order: the targets, most wanted first.
        serves: (target's key, digest of the resident that serves it).
        others: whether another may go if no target is idle.
    """
    idle = {r.digest: r for r in _idle(view)}
    by_key = dict(serves)
    for target in reversed(order):
        if resident := idle.get(by_key.get(target.key, "")):
            return resident
    ours = set(by_key.values())
    foreign = [r for digest, r in idle.items() if digest not in ours]
    return min(foreign, key=view.left, default=None) if others else None


def _idle(view: HostView) -> list[Resident]:
    return [r for r in view.residents if view.left(r).total_seconds() > 0]
