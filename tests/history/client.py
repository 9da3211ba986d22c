"""The simulated server as the use cases reach it, over a network that takes time."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from greenlet import GreenletExit

from ollama_warmup import errors, names
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Sample, Target
from ollama_warmup.warmlist import Host
from tests.history.notes import Look
from tests.history.past import OURS, Asked
from tests.history.server import Server
from worker.core import residency
from worker.core.domain import Answer, HostView, ModelInfo, Tag, Unanswered
from worker.core.pass_values import HostResponse
from worker.ports import Download

LATENCY_S = 0.01
"""A request takes so many seconds to arrive."""


@dataclass(eq=False, slots=True)
class Client:
    """The worker's `ModelServer`: what it sends is ours, and dies with its process."""

    server: Server
    shown: str = "gpu (http://gpu:11434)"

    def view(self) -> HostView:
        return self.server.view()

    def tags(self) -> dict[str, Tag]:
        self._arrive()
        return dict(self.server.tags)

    def show(self, model: str) -> ModelInfo:
        self._arrive()
        info = self.server.infos.get(residency.normal(model))
        if info is None:
            raise errors.UnknownModel(model)
        return info

    def infer(
        self,
        model: str,
        *,
        options: RunnerOptions,
        keep_alive_s: float | None,
        embed: bool,  # noqa: ARG002 - as the protocol
        sample: Sample | None = None,  # noqa: ARG002 - as the protocol
        ceiling_s: float = 1_800,
    ) -> Answer:
        self._arrive()
        asked = self.server.send(
            OURS, _listed(model), options.given(), tokens=1, keep_alive_s=keep_alive_s
        )
        self._wait(asked, ceiling_s)
        now = self.server.time.now
        load_s = (asked.granted_at or now) - asked.at
        return Answer(load_s=load_s, total_s=now - asked.at)

    def touch(
        self,
        model: str,
        *,
        options: RunnerOptions,
        embed: bool,  # noqa: ARG002 - as the protocol
        ceiling_s: float = 1_800,
    ) -> None:
        self._arrive()
        asked = self.server.send(OURS, _listed(model), options.given())
        self._wait(asked, ceiling_s)

    def unload(self, model: str) -> None:
        self._arrive()
        self.server.unload(_listed(model))

    def pull(self, model: str) -> AbstractContextManager[Download]:
        raise NotImplementedError(model)

    def _arrive(self) -> None:
        self.server.time.sleep(LATENCY_S)
        self.server.refuse()

    def _wait(self, asked: Asked, ceiling_s: float) -> None:
        """Wait for the answer; a request that nobody waits for any more is closed."""
        try:
            is_over = asked.over.wait(ceiling_s)
        except GreenletExit:  # the connection goes with the process
            self.server.hang_up(asked)
            raise
        if not is_over:
            self.server.hang_up(asked)
            raise errors.LoadTimeout(f"no answer within {ceiling_s:g} s")
        self.server.wait(asked)


@dataclass(eq=False, slots=True)
class Observer:
    """The observer of passes; it keeps every view that they had."""

    server: Server
    looks: list[Look] = field(default_factory=list)
    last: HostView | Unanswered | None = None

    def look(
        self,
        hosts: Iterable[Host],
        targets: Mapping[str, Sequence[Target]],  # noqa: ARG002 - as the protocol
    ) -> Generator[Mapping[str, HostResponse], None, None]:
        [host] = hosts
        self.last = self._view()
        if isinstance(self.last, HostView):
            view = self.last
            left_s = {r.name: view.left(r).total_seconds() for r in view.residents}
            self.looks.append(Look(self.server.time.now, left_s))
        tags, infos = self.server.tags, self.server.infos
        yield {host.name: HostResponse(view=self.last, tags=tags, infos=infos)}

    def _view(self) -> HostView | Unanswered:
        try:
            return self.server.view()
        except errors.OllamaDown as exc:
            return Unanswered(text=str(exc), is_refused=True)
        except errors.OllamaUnreachable as exc:
            return Unanswered(text=str(exc))


def _listed(model: str) -> str:
    return names.parse(model).short
