"""Questions to one host at a time, asked of many hosts at once.

With `worker.adapters.observer`, the only asynchronous code of the worker.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import aiohttp

from ollama_warmup.errors import WarmupError
from ollama_warmup.warmlist import Host
from worker.adapters import shapes
from worker.adapters.ollama import is_loopback, shown
from worker.core.domain import HostView, ModelInfo, Tag

AT_ONCE = 256
"""Connections that are open at once."""
T = TypeVar("T")


class NoAnswer(Exception):
    """A host was not asked, answered with a failure, or as no Ollama does."""


class Failure(NoAnswer):
    """A host answered with a status that is no success."""

    def __init__(self, status: int, text: str) -> None:
        """Keep what it said.

        Args:
            status: of HTTP.
            text: its body, or the beginning of it.
        """
        super().__init__(status, text)
        self.status = status
        self.text = text

    def __str__(self) -> str:
        return f"answered {self.status}: {self.text}"


class Nonsense(NoAnswer):
    """A host answered as no Ollama does."""


FAILURES = (aiohttp.ClientError, TimeoutError, NoAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks one host; raises one of `FAILURES`."""

    session: aiohttp.ClientSession
    host: Host
    turns: asyncio.Semaphore
    """How many hosts are asked at once; to wait for one is no fault of the host's."""
    answer_s: float | None
    """Until an answer has ended: one that drips is never quiet for long."""

    async def version(self) -> str:
        """Which release it is."""
        body, _ = await self._ask("GET", "/api/version")
        return self._read("/api/version", body, lambda b: str(b["version"]))

    async def view(self) -> HostView:
        """What is resident now, and the host's own time."""
        body, date = await self._ask("GET", "/api/ps")
        return self._read("/api/ps", body, lambda b: shapes.view(b, date=date))

    async def tags(self) -> dict[str, Tag]:
        """Every model that the host has, by normal name."""
        body, _ = await self._ask("GET", "/api/tags")
        return self._read("/api/tags", body, shapes.tags)

    async def show(self, model: str) -> ModelInfo:
        """What the host knows of a model."""
        body, _ = await self._ask("POST", "/api/show", {"model": model})
        return self._read("/api/show", body, shapes.info)

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[bytes, str | None]:
        url = self.host.url
        try:
            headers = self.host.authorization()
        except WarmupError as exc:
            raise NoAnswer(str(exc)) from exc
        async with (
            self.turns,
            asyncio.timeout(self.answer_s),
            self.session.request(
                method, url + path, json=body, headers=headers, allow_redirects=False
            ) as response,
        ):
            answer = await response.read()
            if not response.ok:
                text = answer.decode(errors="replace")[:200]
                raise Failure(response.status, text)
            return answer, response.headers.get("Date")

    def _read(
        self, path: str, body: bytes, shape: Callable[[Mapping[str, Any]], T]
    ) -> T:
        try:
            return shape(json.loads(body))
        except shapes.NONSENSE as exc:
            text = body.decode(errors="replace")
            raise Nonsense(shapes.nonsense(self._shown, path, text)) from exc

    @property
    def _shown(self) -> str:
        return shown(self.host.name, self.host.url)

    def sentence(self, exc: BaseException, view_s: float) -> str:
        """What a missing view means."""
        if isinstance(exc, aiohttp.ClientConnectorError):
            return f"{self._shown} cannot be reached ({exc.strerror}): is Ollama there?"
        if isinstance(exc, TimeoutError):
            return f"{self._shown} gave no answer to /api/ps within {view_s:g} s"
        return f"{self._shown} gave no view: {exc}"


class Sessions:
    """One session with the environment's proxies, and one for loopback without."""

    def __init__(self, *, connect_s: float, answer_s: float | None = None) -> None:
        """Open nothing yet.

        Args:
            connect_s: how long a host has to take a connection, seconds.
            answer_s: how long it has for that and a whole answer; None = for ever.
        """
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        self._answer_s = answer_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
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

    def asker(self, host: Host) -> Asker:
        """Who asks a host."""
        session = self._loopback if is_loopback(host.url) else self._outside
        return Asker(
            session=session, host=host, turns=self._turns, answer_s=self._answer_s
        )
