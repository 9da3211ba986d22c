"""Use case: free a wedged host."""

import logging

from worker import model
from worker.core import telling
from worker.core.passes import Cure, Event, Kind
from worker.deps import Deps

logger = logging.getLogger(__name__)


def cure(call: Cure, deps: Deps) -> bool:
    """Unload a resident of a wedged host, so that the host loads again.

    Returns:
        False when there is no late load of ours any more, or the resident has gone:
        nothing was sent.

    Raises:
        WarmupError: what `ModelServer` raises; `StoreUnavailable`.
    """
    server, store = deps.server(call.host), deps.store
    holder = store.holder(call.host)
    if holder is None or holder.late_s is None:
        return False
    if store.now() - holder.began_at <= holder.late_s:
        return False
    there = (r for r in server.view().residents if r.name == call.resident)
    resident = next(there, None)
    if resident is None:
        return False
    model.unload(call.host, server, resident, deps)
    event = Event(
        at=store.now(),
        host=call.host,
        model=call.resident,
        kind=Kind.CURED,
        why="let go, so that the wedged host loads again",
    )
    deps.passes.add_events([event])
    logger.warning("%s", telling.sentence(event))
    return True
