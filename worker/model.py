"""One model on its host: which resident it is, and whether that one is warm.

Asks the host only for what the question needs, and each thing once.
"""

from functools import cached_property

from ollama_warmup.target import Target
from worker.adapters.ollama import Ollama
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Resident


class Model:
    """The target's model on its host."""

    def __init__(self, target: Target, ollama: Ollama) -> None:
        """Ask nothing yet."""
        self.target = target
        self.ollama = ollama

    @cached_property
    def info(self) -> ModelInfo:
        """What `/api/show` tells of it; raises what `Ollama.show` raises."""
        return self.ollama.show(self.target.model)

    def find(self, view: HostView) -> Resident | None:
        """The resident that serves this model, under whatever name.

        Its options may differ from the target's. Raises what `Ollama` raises.
        """
        if not view.residents:
            return None
        name = self.target.name
        return (
            residency.by_name(name, view.residents)
            or residency.by_digest(
                self.ollama.digests().get(name.normal), view.residents
            )
            or self._by_blob(view)
        )

    def _by_blob(self, view: HostView) -> Resident | None:
        blob = self.info.blob
        if blob is None:
            return None
        shown = ((r, self.ollama.show(r.name).blob) for r in view.residents)
        return next((resident for resident, other in shown if other == blob), None)

    def is_warm(self, resident: Resident, view: HostView) -> bool:
        """Whether this resident is the target: its context, and it stays."""
        return residency.has_context(
            resident, self._expected(resident)
        ) and residency.stays(resident, view)

    def _expected(self, resident: Resident) -> int | None:
        """The context it must have; a child's own when its parent is resident."""
        num_ctx = self.target.options.num_ctx
        named = residency.by_name(self.target.name, (resident,)) is not None
        if named and num_ctx in {None, resident.context_length}:
            return num_ctx
        if num_ctx is None and not named:
            num_ctx = self.info.modelfile_num_ctx
        return residency.expected_context(num_ctx, self.info)

    @property
    def hides_options(self) -> bool:
        """Whether it has runner options that `/api/ps` does not show."""
        return bool(self.target.options.given().keys() - {"num_ctx"})
