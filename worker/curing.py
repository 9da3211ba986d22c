"""Use case: free a wedged host."""

import logging

from worker.adapters.ollama import Ollama
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.core import telling
from worker.core.passes import Event, Kind

logger = logging.getLogger(__name__)


def cure(
    host: str, resident: str, *, ollama: Ollama, store: Store, passes: PassStore
) -> bool:
    """Let a resident of a wedged host go, so that it loads again.

    Args:
        host: its name.
        resident: as listed.
        ollama: the host.
        store: knows the load that is late.
        passes: take the event.

    Returns:
        False when there is no late load of ours any more, or the resident has gone:
        nothing was sent.

    Raises:
        WarmupError: what `Ollama` raises; `StoreUnavailable`.
    """
    holder = store.holder(host)
    if holder is None or holder.late_s is None:
        return False
    if store.now() - holder.began_at <= holder.late_s:
        return False
    if not any(r.name == resident for r in ollama.view().residents):
        return False
    ollama.unload(resident)
    event = Event(
        at=store.now(),
        host=host,
        model=resident,
        kind=Kind.CURED,
        why="let go, so that the wedged host loads again",
    )
    passes.add_events([event])
    logger.warning("%s", telling.sentence(event))
    return True
