"""One model on its host: which resident it is, and whether that one is warm.

Asks the host only for what the question needs, and each thing once.
"""

import contextlib
from functools import cached_property

from ollama_warmup.errors import StoreUnavailable
from ollama_warmup.target import Target
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Resident
from worker.deps import Deps
from worker.ports import ModelServer

NOTED_S, NOTED_TICKS = 60.0, 3
"""For how long passes know of an unload, at least: by then one has seen its end."""


class Model:
    """The target's model on its host."""

    def __init__(self, target: Target, server: ModelServer) -> None:
        """Ask nothing yet."""
        self.target = target
        self.server = server

    @cached_property
    def info(self) -> ModelInfo:
        """What `/api/show` tells of it; raises what `ModelServer.show` raises."""
        return self.server.show(self.target.model)

    def find(self, view: HostView) -> Resident | None:
        """The resident that serves this model, under whatever name.

        Its options may differ from the target's. Raises what `ModelServer` raises.
        """
        if not view.residents:
            return None
        name = self.target.name
        return (
            residency.by_name(name, view.residents)
            or self._by_digest(view)
            or self._by_blob(view)
        )

    def _by_digest(self, view: HostView) -> Resident | None:
        tag = self.server.tags().get(self.target.name.normal)
        return residency.by_digest(tag.digest if tag else None, view.residents)

    def _by_blob(self, view: HostView) -> Resident | None:
        blob = self.info.blob
        if blob is None:
            return None
        shown = ((r, self.server.show(r.name).blob) for r in view.residents)
        return next((resident for resident, other in shown if other == blob), None)

    def is_warm(self, resident: Resident, view: HostView) -> bool:
        """Whether this resident is the target: its context, and it stays."""
        expected = residency.wanted_context(self.target, resident, lambda: self.info)
        return residency.has_context(resident, expected) and residency.stays(
            resident, view
        )

    @property
    def hides_options(self) -> bool:
        """Whether it has runner options that `/api/ps` does not show."""
        return bool(self.target.options.given().keys() - {"num_ctx"})


def unload(host: str, server: ModelServer, resident: Resident, deps: Deps) -> None:
    """Unload a resident, and let passes know that it makes no room for another model.

    While Redis is away passes do not know: they take its end for a sign of a foreign
    load. The note stays when the request fails, as the server may have received it.
    Raises what `ModelServer.unload` raises.
    """
    seconds = round(max(NOTED_S, NOTED_TICKS * deps.rules.tick_s))
    with contextlib.suppress(StoreUnavailable):
        deps.passes.note_unload(host, resident.digest, seconds=seconds)
    server.unload(resident.name)
