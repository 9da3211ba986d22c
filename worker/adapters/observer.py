"""Many hosts at once: what each shows now, and what its models are.

A host that hangs delays nobody else. What models are (`/api/tags`, `/api/show`) is
kept for an hour, and read again when a view or a target shows something unknown; it
is never part of a failure to answer.
"""

import asyncio
import contextlib
import math
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field

import aiohttp

from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from worker.adapters.asking import FAILURES, Asker, Sessions
from worker.adapters.ollama import CONNECT_S, VIEW_S
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Tag, Unanswered
from worker.core.pass_values import HostResponse

KEPT_S = 3_600.0
"""How long it is believed what a host's models are, seconds."""


@dataclass(slots=True, kw_only=True)
class _Known:
    """What is known of a host's models."""

    url: str
    read_at: float = -math.inf
    tags: Mapping[str, Tag] = field(default_factory=dict)
    digests: frozenset[str] = frozenset()
    """Of the tags, and of what was resident when they were read."""
    infos: dict[str, tuple[str, ModelInfo]] = field(default_factory=dict)
    """With the digest that it was asked for, by normal name."""


class Observer:
    """Looks at hosts; one a process, as it remembers what models are."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        view_s: float = VIEW_S,
    ) -> None:
        """Open nothing yet.

        Args:
            monotonic: seconds that never go back.
            view_s: how long a host has to answer, seconds.
        """
        self._monotonic = monotonic
        self._view_s = view_s
        self._known: dict[str, _Known] = {}

    def look(
        self, hosts: Iterable[Host], targets: Mapping[str, Sequence[Target]]
    ) -> Generator[dict[str, HostResponse], None, None]:
        """Look at every host at once, and hand on each answer as it comes.

        Requests wait while the caller handles what it was given; those that are under
        way when it closes this generator are broken off.

        Args:
            hosts: with their URLs.
            targets: of each of them, by its name.

        Yields:
            By name, one or more that have answered, or failed to.
        """
        # The runner ends what is under way, also if a time limit cuts the wait for it.
        with asyncio.Runner() as runner:
            responses = self._responses(hosts, targets)
            while (some := runner.run(_next(responses))) is not None:
                yield some

    async def _responses(
        self, hosts: Iterable[Host], targets: Mapping[str, Sequence[Target]]
    ) -> AsyncGenerator[dict[str, HostResponse], None]:
        async with Sessions(connect_s=CONNECT_S, answer_s=self._view_s) as sessions:
            pending = {
                asyncio.create_task(
                    self._one(sessions.asker(host), targets.get(host.name, ()))
                ): host.name
                for host in hosts
            }
            try:
                while pending:
                    done, _ = await asyncio.wait(
                        pending, return_when=asyncio.FIRST_COMPLETED
                    )
                    yield {pending.pop(task): task.result() for task in done}
            finally:
                for task in pending:
                    task.cancel()

    async def _one(self, asker: Asker, targets: Sequence[Target]) -> HostResponse:
        try:
            view = await asker.view()
        except FAILURES as exc:
            is_refused = isinstance(exc, aiohttp.ClientConnectorError)
            text = asker.sentence(exc, self._view_s)
            none = Unanswered(text=text, is_refused=is_refused)
            return HostResponse(view=none, infos=self._infos(asker.host))
        with contextlib.suppress(*FAILURES):
            await self._models(asker, view, targets)
        known = self._known.get(asker.host.name)
        if known is None or known.url != asker.host.url:
            return HostResponse(view=view)
        return HostResponse(view=view, tags=known.tags, infos=self._infos(asker.host))

    def _infos(self, host: Host) -> dict[str, ModelInfo]:
        known = self._known.get(host.name)
        if known is None or known.url != host.url:
            return {}
        return {name: info for name, (_, info) in known.infos.items()}

    async def _models(
        self, asker: Asker, view: HostView, targets: Sequence[Target]
    ) -> None:
        """Learn what the models of a view and of targets are, as far as it is new."""
        known = self._known.get(asker.host.name)
        names = {t.name.normal: t.model for t in targets}
        digests = frozenset(r.digest for r in view.residents)
        if known is None or known.url != asker.host.url:
            known = _Known(url=asker.host.url)
        if self._is_old(known, digests, names):
            known.tags = await asker.tags()
            known.read_at = self._monotonic()
            known.digests = digests | {tag.digest for tag in known.tags.values()}
            self._known[asker.host.name] = known
        listed = {residency.normal(r.name): r.name for r in view.residents}
        for name, model in (listed | names).items():
            await self._show(asker, known, name, model)

    def _is_old(
        self, known: _Known, digests: frozenset[str], names: Collection[str]
    ) -> bool:
        """Whether the host may have other models by now; a missing one may come."""
        return (
            self._monotonic() - known.read_at > KEPT_S
            or not digests <= known.digests
            or any(name not in known.tags for name in names)
        )

    async def _show(self, asker: Asker, known: _Known, name: str, model: str) -> None:
        tag = known.tags.get(name)
        old = known.infos.get(name)
        if tag is None or (old and old[0] == tag.digest):
            return
        known.infos[name] = (tag.digest, await asker.show(model))


async def _next(
    responses: AsyncGenerator[dict[str, HostResponse], None],
) -> dict[str, HostResponse] | None:
    return await anext(responses, None)
