"""What hosts answer when they are asked how they are: all at once, in bounded time."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from worker.adapters.asking import AT_ONCE, FAILURES, Asker, Failure, Nonsense, Sessions
from worker.adapters.ollama import is_loopback
from worker.core import residency
from worker.core.domain import HostView, ModelInfo
from worker.doctor.facts import HostFacts, Reach

T = TypeVar("T")

CONNECT_S = 4.0
ALL_S = 11.0
"""For all questions to all hosts, seconds: `/api/ps` may wait 10 s for its runner."""
MUTE_S = 2.0
"""A host that has not answered for so long when time is over is called mute."""
SHOWN = 20
"""Models of a host that are asked about, at most."""
_BY_STATUS = {401: Reach.LOCKED, 403: Reach.LOCKED, 404: Reach.STRANGE}
_NO_CONNECTION = f"no connection within {CONNECT_S:.0f} s"
_HALF_S = 0.5
"""`Date` tells whole seconds."""


async def ask(
    hosts: Sequence[Host],
    targets: Mapping[str, Sequence[Target]],
    *,
    tell: Callable[[str], None],
) -> list[HostFacts]:
    """Ask every host; one that hangs delays nobody else.

    Args:
        hosts: with their URLs.
        targets: of each, by its name.
        tell: called with the name of each that is done.
    """
    turns = asyncio.Semaphore(AT_ONCE)
    end = asyncio.get_running_loop().time() + ALL_S

    async def one(host: Host) -> HostFacts:
        wanted = tuple(targets.get(host.name, ()))
        asked = _Asked(sessions.asker(host), wanted)
        facts = await asked.facts(turns, end)
        tell(host.name)
        return facts

    async with Sessions(connect_s=CONNECT_S) as sessions:
        return list(await asyncio.gather(*map(one, hosts)))


class _Asked:
    """The questions to one host, the most telling first."""

    def __init__(self, asker: Asker, targets: tuple[Target, ...]) -> None:
        self._asker = asker
        self._path, self._since = "", math.inf
        url = asker.host.url
        self._facts = HostFacts(
            name=asker.host.name,
            url=_without_login(url),
            reach=Reach.UNASKED,
            is_local=is_loopback(url),
            targets=targets,
        )

    async def facts(self, turns: asyncio.Semaphore, end: float) -> HostFacts:
        """What it has answered when time is over.

        Args:
            turns: how many are asked at once.
            end: when time is over, by the loop's clock.
        """
        try:
            async with asyncio.timeout_at(end), turns:
                await self._ask()
        except FAILURES as exc:
            reach, text = reach_of(exc)
            if reach is Reach.MUTE and not text:
                reach, text = self._out_of_time()
            self._learn(reach=reach, text=text)
        return self._facts

    def _out_of_time(self) -> tuple[Reach, str]:
        """A host is mute if it had time; we may have been too slow ourselves."""
        waited_s = asyncio.get_running_loop().time() - self._since
        if waited_s < MUTE_S:
            return Reach.UNASKED, "time ran out"
        return Reach.MUTE, f"no answer to {self._path} within {waited_s:.0f} s"

    async def _ask(self) -> None:
        self._learn(version=await self._next("/api/version", self._asker.version()))
        view = await self._next("/api/ps", self._asker.view())
        self._learn(view=view, skew_s=_skew_s(view))
        self._learn(tags=await self._next("/api/tags", self._asker.tags()))
        self._learn(infos=await self._infos(view))
        self._learn(reach=Reach.ANSWERS)

    async def _next(self, path: str, question: Awaitable[T]) -> T:
        self._path, self._since = path, asyncio.get_running_loop().time()
        return await question

    def _learn(self, **more: object) -> None:
        self._facts = replace(self._facts, **more)  # type: ignore[arg-type] # its fields

    async def _infos(self, view: HostView) -> dict[str, ModelInfo]:
        """What it tells of its wanted and loaded models."""
        tags = self._facts.tags or {}
        names = {t.name.normal: t.model for t in self._facts.targets}
        names |= {residency.normal(r.name): r.name for r in view.residents}
        asked = [(n, model) for n, model in names.items() if n in tags][:SHOWN]
        infos = {}
        for name, model in asked:
            try:
                infos[name] = await self._next("/api/show", self._asker.show(model))
            except (Failure, Nonsense):  # one model's manifest may be broken
                continue
        return infos


def reach_of(exc: BaseException) -> tuple[Reach, str]:
    """What a failure says of a host.

    Args:
        exc: one of `worker.adapters.asking.FAILURES`.

    Returns:
        With an empty text if the failure has none of its own.
    """
    if isinstance(exc, Failure):
        return _BY_STATUS.get(exc.status, Reach.FAILS), str(exc)
    if isinstance(exc, aiohttp.ClientConnectorError):
        if isinstance(exc.os_error, ConnectionRefusedError):
            return Reach.REFUSED, "connection refused"
        return Reach.UNREACHABLE, str(exc.os_error.strerror or exc)
    if isinstance(exc, TimeoutError):
        has_connected = not isinstance(exc, aiohttp.ConnectionTimeoutError)
        return Reach.MUTE, "" if has_connected else _NO_CONNECTION
    if isinstance(exc, Nonsense | aiohttp.ClientResponseError):
        return Reach.STRANGE, str(exc)
    is_broken = isinstance(exc, aiohttp.ClientError)  # else its token is missing
    return Reach.FAILS if is_broken else Reach.LOCKED, str(exc) or type(exc).__name__


def _skew_s(view: HostView) -> float:
    return round(view.observed_at.timestamp() + _HALF_S - time.time(), 1)


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
