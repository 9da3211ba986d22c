"""One HTTP request and its answer, over plain ASGI."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from worker.simulator.clock import Clock

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Body = Mapping[str, object] | None

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


class Exchange:
    """Reads a request and writes its answer in the manner of Go's gin."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, clock: Clock
    ) -> None:
        """Wrap an ASGI request; `read` must come before `body`."""
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.body = b""
        self.is_streaming = False
        """Whether a part of the answer has been sent."""
        self.has_charset = True
        """Whether JSON is announced with its charset, as gin does."""
        self.headers: list[tuple[str, str]] = []
        """Further headers of the answer."""
        self._scope = scope
        self._receive = receive
        self._send = send
        self._clock = clock

    def header(self, wanted: str) -> str:
        """A header of the request by its lower-case name; empty when it has none."""
        for name, value in self._scope["headers"]:
            if name == wanted.encode():
                return bytes(value).decode("latin-1")
        return ""

    @property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter."""
        given = parse_qs(self._scope["query_string"].decode(), keep_blank_values=True)
        return {name: values[-1] for name, values in given.items()}

    async def read(self) -> bool:
        """Read the whole body; False when the caller has hung up meanwhile."""
        chunks = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.body = b"".join(chunks)
                return True

    async def hung_up(self) -> None:
        """Return when the caller has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, body: Body, *, status: int = 200) -> None:
        """Send a whole JSON answer."""
        kind = f"{_JSON}; charset=utf-8" if self.has_charset else _JSON
        await self._whole(to_json(body), status=status, kind=kind)

    async def text(self, text: str, *, status: int = 200) -> None:
        """Send plain text; gin leaves out the charset of its own errors."""
        kind = _TEXT if status == HTTPStatus.OK else "text/plain"
        await self._whole(text.encode(), status=status, kind=kind)

    async def empty(self, *, status: int = 200) -> None:
        """Send no body."""
        await self._whole(b"", status=status, kind="")

    async def redirect(self, location: str) -> None:
        """Send the caller elsewhere, with the method that it used.

        Source: gin, which adds the page of Go's http.Redirect to a GET alone.
        """
        page = f'<a href="{location}">Moved Permanently</a>.\n\n'.encode()
        await self._whole(
            page if self.method == "GET" else b"",
            status=301 if self.method == "GET" else 307,
            kind="text/html; charset=utf-8" if self.method == "GET" else "",
            location=location,
        )

    async def line(self, body: Body) -> None:
        """Send one line of a streamed answer."""
        await self.chunk(to_json(body) + b"\n", kind="application/x-ndjson")

    async def chunk(self, data: bytes, *, kind: str) -> None:
        """Send one piece of a streamed answer."""
        await self.begin(kind=kind)
        await self._send(
            {"type": "http.response.body", "body": data, "more_body": True}
        )

    async def begin(self, *, kind: str = "application/x-ndjson") -> None:
        """Send the headers of a streamed answer, once."""
        if not self.is_streaming:
            self.is_streaming = True
            await self._start(200, kind=kind, length=None)

    async def end(self) -> None:
        """End a streamed answer."""
        await self.begin()
        await self._send({"type": "http.response.body", "body": b""})

    async def _whole(
        self, data: bytes, *, status: int, kind: str, location: str = ""
    ) -> None:
        await self._start(status, kind=kind, length=len(data), location=location)
        await self._send({"type": "http.response.body", "body": data})

    async def _start(
        self, status: int, *, kind: str, length: int | None, location: str = ""
    ) -> None:
        headers = [(b"date", self._clock.http_date().encode())]
        headers += [(n.encode(), value.encode("latin-1")) for n, value in self.headers]
        if kind:
            headers.append((b"content-type", kind.encode()))
        if location:
            headers.append((b"location", location.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self._send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )


def to_json(body: Body) -> bytes:
    """Write JSON as compactly as Go does."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", errors="replace"
    )
