"""Many hosts at once: what each shows now, and what its models are.

The only asynchronous code of the worker. A host that hangs delays nobody else. What
models are (`/api/tags`, `/api/show`) is kept for an hour, and read again when a view
or a target shows something unknown; it is never part of a failure to answer.
"""

import asyncio
import contextlib
import math
import ssl
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from functools import cache
from typing import Self

import httpx

from ollama_warmup.errors import OllamaUnreachable, WarmupError
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from worker.adapters import refusals, shapes
from worker.adapters.ollama import CONNECT_S, VIEW_S, is_loopback, shown
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Tag, Unanswered

AT_ONCE = 256
"""Connections that are open at once."""
KEPT_S = 3_600.0
"""How long it is believed what a host's models are, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one host showed."""

    view: HostView | Unanswered
    tags: Mapping[str, Tag] | None = None
    infos: Mapping[str, ModelInfo] = field(default_factory=dict)


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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            monotonic: seconds that never go back.
            transport: where requests go instead of the network.
        """
        self._monotonic = monotonic
        self._transport = transport
        self._known: dict[str, _Known] = {}

    async def look(
        self, hosts: Iterable[Host], targets: Mapping[str, Sequence[Target]]
    ) -> AsyncIterator[dict[str, Look]]:
        """Look at every host, and hand on what has come as it comes.

        Args:
            hosts: with their URLs.
            targets: of each of them, by its name.

        Yields:
            By name, one or more that have answered, or failed to.
        """
        async with _Clients(self._transport) as clients:
            pending = {
                asyncio.create_task(
                    self._one(clients.of(host), host, targets.get(host.name, ()))
                ): host.name
                for host in hosts
            }
            while pending:
                done, _ = await asyncio.wait(
                    pending, return_when=asyncio.FIRST_COMPLETED
                )
                yield {pending.pop(task): task.result() for task in done}

    async def _one(
        self, client: httpx.AsyncClient, host: Host, targets: Sequence[Target]
    ) -> Look:
        asker = _Asker(client=client, host=host)
        try:
            view = shapes.view(await asker.ask("GET", "/api/ps"))
        except httpx.ConnectError as exc:
            return Look(view=Unanswered(text=asker.said(exc), is_refused=True))
        except httpx.HTTPError as exc:
            return Look(view=Unanswered(text=asker.said(exc)))
        except WarmupError as exc:
            return Look(view=Unanswered(text=str(exc)))
        except shapes.NONSENSE:
            nonsense = f"{asker.shown} answers as no Ollama does: check its URL"
            return Look(view=Unanswered(text=nonsense))
        with contextlib.suppress(httpx.HTTPError, WarmupError, *shapes.NONSENSE):
            await self._models(asker, view, targets)
        known = self._known.get(host.name)
        if known is None or known.url != host.url:
            return Look(view=view)
        infos = {name: info for name, (_, info) in known.infos.items()}
        return Look(view=view, tags=known.tags, infos=infos)

    async def _models(
        self, asker: "_Asker", view: HostView, targets: Sequence[Target]
    ) -> None:
        """Learn what the models of a view and of targets are, as far as it is new."""
        known = self._known.get(asker.host.name)
        names = {t.name.normal: t.model for t in targets}
        digests = frozenset(r.digest for r in view.residents)
        if known is None or known.url != asker.host.url:
            known = _Known(url=asker.host.url)
        if self._is_old(known, digests, names):
            known.tags = shapes.tags(await asker.ask("GET", "/api/tags"))
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

    async def _show(
        self, asker: "_Asker", known: _Known, name: str, model: str
    ) -> None:
        tag = known.tags.get(name)
        old = known.infos.get(name)
        if tag is None or (old and old[0] == tag.digest):
            return
        answer = await asker.ask("POST", "/api/show", {"model": model})
        known.infos[name] = (tag.digest, shapes.info(answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Asks one host."""

    client: httpx.AsyncClient
    host: Host

    @property
    def shown(self) -> str:
        return shown(self.host.name, self.host.url)

    async def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        """One answer with a 2xx.

        Raises:
            httpx.HTTPError: there was no answer.
            WarmupError: it was a refusal.
        """
        response = await self.client.request(method, self.host.url + path, json=body)
        if not response.is_success:
            raise refusals.error(response, model="", host=self.shown)
        return response

    def said(self, exc: httpx.HTTPError) -> str:
        """What a missing answer means, as a sentence."""
        why = str(exc) or type(exc).__name__
        if isinstance(exc, httpx.TimeoutException):
            why = f"no answer within {VIEW_S:.0f} s"
        return str(OllamaUnreachable(f"{self.shown} does not answer /api/ps ({why})"))


class _Clients:
    """A client with the environment's proxies, and one for loopback without."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None) -> None:
        self._outside, self._loopback = (
            httpx.AsyncClient(
                transport=transport,
                timeout=httpx.Timeout(VIEW_S, connect=CONNECT_S, pool=None),
                limits=httpx.Limits(
                    max_connections=AT_ONCE, max_keepalive_connections=0
                ),
                verify=_tls(),
                trust_env=trust_env,
            )
            for trust_env in (True, False)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._outside.aclose()
        await self._loopback.aclose()

    def of(self, host: Host) -> httpx.AsyncClient:
        """The client for a host."""
        return self._loopback if is_loopback(host.url) else self._outside


@cache
def _tls() -> ssl.SSLContext:
    """Made once a process: it takes 50 ms."""
    return httpx.create_ssl_context()
