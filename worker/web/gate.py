"""Who may ask the service what: one pure decision, and the middleware that holds it.

Also adds what tells browsers to load and frame nothing foreign.
"""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALIVE = "/healthz"
OPEN = frozenset({ALIVE, "/readyz"})
"""What orchestrators ask without a token."""
READING = frozenset({"GET", "HEAD"})
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer."""
_LOGIN = {"WWW-Authenticate": 'Basic realm="ollama-warmup", charset="UTF-8"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where the service listens, and what it asks of those who come."""

    token: str = field(default="", repr=False)
    """Empty = none is asked for; only on loopback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    """Of HTTP."""
    why: str
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(
    method: str, path: str, headers: Mapping[str, str], *, door: Door
) -> Refusal | None:
    """Say why a request is refused; None = it is not.

    (1) Without a token only loopback is served, and under its own names alone: a
        foreign page whose name was made to mean 127.0.0.1 is not answered. That it
        is alive it tells everybody.
    (2) With one, whoever has it may ask: as a Bearer, or as the password of HTTP
        Basic with any name, which is what browsers ask people for. Health routes are
        open.
    (3) Browsers send a password for foreign pages, too, so what changes something
        must come from a page of ours, or from no page. Its JSON keeps plain forms
        out even where a browser names no origin.

    Args:
        method: of HTTP.
        path: without its query.
        headers: their names in lower case.
        door: of this service.
    """
    is_named = door.token or path == ALIVE or _is_loopback(headers.get("host", ""))
    if not is_named:  # (1)
        return Refusal(
            status=421,
            why="this service answers to localhost alone: open it under that name, or "
            "set OLLAMA_WARMUP_WEB_TOKEN to have it answer to others",
        )
    if door.token and path not in OPEN and not _knows(headers, door.token):  # (2)
        return Refusal(
            status=401,
            why="send OLLAMA_WARMUP_WEB_TOKEN as `Authorization: Bearer`, or in a "
            "browser as the password of any user",
            headers=_LOGIN,
        )
    if method in READING:
        return None
    return _refusal_of_change(headers)  # (3)


def _refusal_of_change(headers: Mapping[str, str]) -> Refusal | None:
    origin, host = headers.get("origin"), headers.get("host", "")
    is_ours = origin is None or urlsplit(origin).netloc.lower() == host.lower()
    if not is_ours or headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        return Refusal(status=403, why="this came from a page that is not ours")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return Refusal(status=415, why="send JSON, as Content-Type: application/json")
    return None


_OWN_SITES = frozenset({"none", "same-origin"})


def _is_loopback(host: str) -> bool:
    """Whether a Host header names this machine's loopback, at whatever port."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _knows(headers: Mapping[str, str], token: str) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            login = base64.b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        secret = login.partition(b":")[2]
    elif scheme.lower() == "bearer":
        secret = given.strip().encode()
    else:
        return False
    return hmac.compare_digest(secret, token.encode())


class Gate:
    """Lets in who may ask; ASGI middleware."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        """Stand before an application."""
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass the request on."""
        if scope["type"] != "http":  # its start and end; it has no sockets
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers[name] = value
                # Nothing is kept but files, and those are asked for once more.
                is_file = scope["path"].startswith("/static/")
                kept = "no-cache" if is_file else "no-store"
                headers.setdefault("Cache-Control", kept)
            await send(message)

        refused = refusal(
            scope["method"], scope["path"], Headers(scope=scope), door=self._door
        )
        if refused is None:
            await self._app(scope, receive, secured)
            return
        body = {"error": "Refused", "detail": refused.why}
        answer = JSONResponse(body, refused.status, dict(refused.headers))
        await answer(scope, receive, secured)
