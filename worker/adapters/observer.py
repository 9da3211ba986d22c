"""Many hosts at once: what each shows now, and what its models are.

The only asynchronous code of the worker. A host that hangs delays nobody else. What
models are (`/api/tags`, `/api/show`) is kept for an hour, and read again when a view
or a target shows something unknown; it is never part of a failure to answer.
"""

import asyncio
import contextlib
import json
import math
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import aiohttp

from ollama_warmup.errors import WarmupError
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from worker.adapters import shapes
from worker.adapters.ollama import CONNECT_S, VIEW_S, is_loopback, shown
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Tag, Unanswered

AT_ONCE = 256
"""Connections that are open at once."""
KEPT_S = 3_600.0
"""How long it is believed what a host's models are, seconds."""


T = TypeVar("T")


class _NoAnswer(Exception):
    """A host answered with a failure, or as no Ollama does."""


_FAILURES = (aiohttp.ClientError, TimeoutError, _NoAnswer)


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
        view_s: float = VIEW_S,
    ) -> None:
        """Open nothing yet.

        Args:
            monotonic: seconds that never go back.
            view_s: how long a host has to answer, seconds.
        """
        self._monotonic = monotonic
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_S, sock_read=view_s
        )
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
        async with _Sessions(self._timeout) as sessions:
            pending = {
                asyncio.create_task(
                    self._one(
                        _Asker(sessions.of(host), host), targets.get(host.name, ())
                    )
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

    async def _one(self, asker: "_Asker", targets: Sequence[Target]) -> Look:
        try:
            view = await asker.view()
        except _FAILURES as exc:
            is_refused = isinstance(exc, aiohttp.ClientConnectorError)
            text = asker.sentence(exc, self._timeout.sock_read)
            return Look(view=Unanswered(text=text, is_refused=is_refused))
        with contextlib.suppress(*_FAILURES):
            await self._models(asker, view, targets)
        known = self._known.get(asker.host.name)
        if known is None or known.url != asker.host.url:
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

    async def _show(
        self, asker: "_Asker", known: _Known, name: str, model: str
    ) -> None:
        tag = known.tags.get(name)
        old = known.infos.get(name)
        if tag is None or (old and old[0] == tag.digest):
            return
        known.infos[name] = (tag.digest, await asker.show(model))


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks one host; raises one of `_FAILURES`."""

    session: aiohttp.ClientSession
    host: Host

    async def view(self) -> HostView:
        body, date = await self._ask("GET", "/api/ps")
        return self._read("/api/ps", body, lambda b: shapes.view(b, date=date))

    async def tags(self) -> dict[str, Tag]:
        body, _ = await self._ask("GET", "/api/tags")
        return self._read("/api/tags", body, shapes.tags)

    async def show(self, model: str) -> ModelInfo:
        body, _ = await self._ask("POST", "/api/show", {"model": model})
        return self._read("/api/show", body, shapes.info)

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[bytes, str | None]:
        url = self.host.url
        try:
            headers = self.host.authorization()
        except WarmupError as exc:
            raise _NoAnswer(str(exc)) from exc
        async with self.session.request(
            method, url + path, json=body, headers=headers, allow_redirects=False
        ) as response:
            answer = await response.read()
            if not response.ok:
                text = answer.decode(errors="replace")[:200]
                raise _NoAnswer(f"answered {response.status}: {text}")
            return answer, response.headers.get("Date")

    def _read(
        self, path: str, body: bytes, shape: Callable[[Mapping[str, Any]], T]
    ) -> T:
        try:
            return shape(json.loads(body))
        except shapes.NONSENSE as exc:
            text = body.decode(errors="replace")
            raise _NoAnswer(shapes.nonsense(self._shown, path, text)) from exc

    @property
    def _shown(self) -> str:
        return shown(self.host.name, self.host.url)

    def sentence(self, exc: BaseException, view_s: float | None) -> str:
        """What a missing view means."""
        if isinstance(exc, aiohttp.ClientConnectorError):
            return f"{self._shown} cannot be reached ({exc.strerror}): is Ollama there?"
        if isinstance(exc, TimeoutError):
            return f"{self._shown} gave no answer to /api/ps within {view_s:g} s"
        return f"{self._shown} gave no view: {exc}"


class _Sessions:
    """One session with the environment's proxies, and one for loopback without."""

    def __init__(self, timeout: aiohttp.ClientTimeout) -> None:
        self._timeout = timeout

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)
        self._outside, self._loopback = (
            aiohttp.ClientSession(
                connector=connector,
                connector_owner=trust_env,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=trust_env,
            )
            for trust_env in (True, False)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._loopback.close()
        await self._outside.close()

    def of(self, host: Host) -> aiohttp.ClientSession:
        return self._loopback if is_loopback(host.url) else self._outside
