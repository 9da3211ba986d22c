"""Listens and serves until a signal: what `ollama-warmup web` does."""

import contextlib
import ipaddress
import logging
import resource
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from ollama_warmup import settings
from ollama_warmup.errors import BadSettings, Permanent
from worker.web import app
from worker.web.board import Board
from worker.web.gate import Door

GRACE_S = 2
"""How long answers that are being given may take after a signal."""
FILES = 4_096
"""Open files that are asked for: a connection is one."""


class CannotListen(Permanent):
    """The address cannot be listened on."""


def run(*, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        host: a name or address to listen on.
        port: 0 = any.
        tell: called with one line when it listens.

    Raises:
        BadSettings: the environment is wrong, or lacks the token.
        CannotListen: the address is none of this machine's, or is taken.
    """
    told = settings.current()
    token = told.web_token.get_secret_value()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    with _bound(host, port) as listener:
        address, port = listener.getsockname()[:2]
        if not token and not _is_loopback(address):
            raise BadSettings(
                f"{settings.WEB_TOKEN} is not set, and {host} is reached from other "
                "machines: set it to a long random text, such as `openssl rand -hex "
                "24` prints, or listen on 127.0.0.1"
            )
        shown = f"[{address}]" if ":" in address else address
        login = " (asks for a login)" if token else ""
        sentence = f"Status page on http://{shown}:{port}{login}"
        service = app.make(Board(told), door=Door(token=token))
        _serve(service, listener, began=lambda: tell(sentence))


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, *, began: Callable[[], None]) -> None:
        super().__init__(config)
        self._began = began

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, as uvicorn does, and say so."""
        await super().startup(sockets)
        if self.started:
            self._began()


def _serve(
    service: FastAPI, listener: socket.socket, *, began: Callable[[], None]
) -> None:
    config = uvicorn.Config(
        service,
        http="h11",
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    _allow_files()
    signal.signal(signal.SIGTERM, _leave)  # uvicorn sends it once more at its end
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, began=began).run(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    """A socket with its address, on which nobody listens yet."""
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        with contextlib.ExitStack() as unless_bound:
            bound = unless_bound.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            unless_bound.pop_all()
            return bound
    except (OSError, UnicodeError) as exc:
        raise CannotListen(
            f"cannot listen on {host}:{port} ({exc}): choose another --host or --port"
        ) from exc


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
