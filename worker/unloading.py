"""Use case: one call wants a model let go. Called by the task `ollama.unload`."""

from dataclasses import dataclass
from enum import StrEnum

from ollama_warmup.errors import UnknownModel
from ollama_warmup.target import Target
from worker import model as models
from worker.core import residency
from worker.core.domain import HostView, Resident
from worker.deps import Deps
from worker.model import Model

PATIENCE_S = 10.0
"""An idle model is gone within 2 s; a busy one goes after its work, unwatched."""
LOOK_S = 0.2
"""Seconds between two looks at a model that is to go."""


class Left(StrEnum):
    """How an unload ended."""

    UNLOADED = "unloaded"
    """A view lists it no more."""
    NOT_LOADED = "not_loaded"
    """There was nothing to do."""
    GOING = "going"
    """It still answers a request, and goes after that."""
    STILL_LOADED = "still_loaded"
    """It is listed with time left: another client wants it loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloaded:
    """How an unload ended, and which resident was meant."""

    left: Left
    resident: Resident | None


def unload(target: Target, deps: Deps) -> Unloaded:
    """Ask the host to let the target's model go, and see it gone. Loads nothing.

    The model is meant under whatever name it is resident, with whatever options.

    Raises:
        WarmupError: what `ModelServer` raises.
    """
    server, clock = deps.server(target.host), deps.clock
    resident = _find(Model(target, server))
    if resident is None:
        return Unloaded(left=Left.NOT_LOADED, resident=None)
    models.unload(target.host, server, resident, deps)
    gives_up_at = clock.monotonic() + PATIENCE_S
    while True:
        view = server.view()
        still = _same(resident, view)
        if still is None:
            return Unloaded(left=Left.UNLOADED, resident=resident)
        if clock.monotonic() >= gives_up_at:
            stays = view.left(still) > residency.LEAST_LEFT
            left = Left.STILL_LOADED if stays else Left.GOING
            return Unloaded(left=left, resident=resident)
        clock.sleep(LOOK_S)


def _find(model: Model) -> Resident | None:
    try:
        return model.find(model.server.view())
    except UnknownModel:  # the host does not even have it
        return None


def _same(resident: Resident, view: HostView) -> Resident | None:
    return next(
        (
            other
            for other in view.residents
            if (other.name, other.digest) == (resident.name, resident.digest)
        ),
        None,
    )
