"""Simulated servers that listen: one process, any number of hosts, a port each."""

import asyncio
import contextlib
import resource
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Self

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from worker.simulator.app import serve, serve_control
from worker.simulator.clock import Clock
from worker.simulator.control import host_meant
from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange, Receive, Scope, Send
from worker.simulator.host import Host, HostConfig

_BACKLOG = 1024
_GRACE_S = 0.05
"""How long a connection outlives the fault that closes its port."""

_PATIENCE_S = 0.5
"""How long requests in flight may take to notice that their callers are gone."""

_SPARE_FILES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where simulated servers listen."""

    address: str = "127.0.0.1"
    port: int = 0
    """Of the first host, the others follow; 0 picks a free one for each."""
    hosts: int = 1
    control_port: int | None = None
    """Where `/_sim` answers beyond all faults; 0 picks a free one."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect, so that Host headers are checked."""
        return self.address in ("localhost", "::1") or self.address.startswith("127.")


@dataclass(slots=True)
class _Port:
    """A listener and the connections that it has accepted."""

    config: Config
    address: str
    number: int
    state: ServerState = field(default_factory=ServerState)
    server: asyncio.Server | None = None

    async def open(self) -> None:
        if self.server is not None:
            return
        self.server = await asyncio.get_running_loop().create_server(
            self._protocol, self.address, self.number, backlog=_BACKLOG
        )
        self.number = self.server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        self.close()
        asyncio.get_running_loop().call_later(_GRACE_S, self.abort)

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None

    def abort(self) -> None:
        if self.server is not None:
            return
        for connection in list(self.state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()

    def _protocol(self) -> H11Protocol:
        return H11Protocol(self.config, server_state=self.state, app_state={})


class Simulator:
    """Simulated hosts behind their ports; `async with` starts and stops it."""

    def __init__(
        self, config: HostConfig | None = None, *, at: Listening | None = None
    ) -> None:
        """Prepare as many equal hosts as are to listen."""
        self._at = at or Listening()
        self.hosts = [Host(config or HostConfig()) for _ in range(self._at.hosts)]
        self._by_port: dict[int, Host] = {}
        self._clock = Clock()
        uvicorn = Config(
            self._app,
            interface="asgi3",
            http=H11Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=3600,
        )
        uvicorn.load()
        self._ports = [
            _Port(uvicorn, self._at.address, self._at.port and self._at.port + index)
            for index in range(self._at.hosts)
        ]
        self._control: _Port | None = None
        if self._at.control_port is not None:
            self._control = _Port(uvicorn, self._at.address, self._at.control_port)

    async def __aenter__(self) -> Self:
        _allow_files(len(self._ports) + _SPARE_FILES)
        try:
            if self._control:
                await self._control.open()
            for host, port in zip(self.hosts, self._ports, strict=True):
                await self._open(host, port)
        except OSError:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for host in self.hosts:
            host.stop()
        ports = [*self._ports, *([self._control] if self._control else [])]
        tasks = [task for port in ports for task in port.state.tasks]
        for port in ports:
            port.close()
            port.abort()
        if tasks:  # they end by themselves, as their callers are gone
            await asyncio.wait(tasks, timeout=_PATIENCE_S)

    @property
    def urls(self) -> list[str]:
        """The address of every host."""
        return [self._url(port) for port in self._ports]

    @property
    def url(self) -> str:
        """The address of the first host."""
        return self.urls[0]

    @property
    def control_url(self) -> str | None:
        """The address of the control port, if there is one."""
        return self._url(self._control) if self._control else None

    async def _open(self, host: Host, port: _Port) -> None:
        await port.open()
        self._by_port[port.number] = host

        host.door = port if self._control else None

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = self._by_port.get(scope["server"][1])
        if host:
            exchange = Exchange(scope, receive, send, clock=host.clock)
            await serve(host, exchange, is_loopback=self._at.is_loopback)
            return
        exchange = Exchange(scope, receive, send, clock=self._clock)
        if await exchange.read():
            try:
                meant, path = host_meant(self.hosts, exchange)
            except HttpError as error:
                await exchange.answer({"error": error.text}, status=error.status)
            else:
                await serve_control(meant, exchange, path)

    def _url(self, port: _Port) -> str:
        address = f"[{port.address}]" if ":" in port.address else port.address
        return f"http://{address}:{port.number}"


@contextlib.contextmanager
def simulator_in_thread(
    config: HostConfig | None = None, *, at: Listening | None = None
) -> Iterator[Simulator]:
    """Run simulated servers beside synchronous code.

    Raises:
        OSError: when a port cannot be opened.
    """
    simulator = Simulator(config, at=at)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(coroutine: Coroutine[None, None, object]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    try:
        call(simulator.__aenter__())
        try:
            yield simulator
        finally:
            call(simulator.__aexit__())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _allow_files(count: int) -> None:
    """Ask for as many open files as hosts and their connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
