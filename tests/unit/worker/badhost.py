"""A host that answers over real connections, with whatever bytes it is told."""

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from ollama_warmup.warmlist import Host

VIEW_S = 0.3
"""How long a host has to answer here."""
NOW = datetime.now(UTC)  # noqa: TID251 - what a server of today would send
TAGS = {"models": [{"name": "a:latest", "digest": "d-a", "size": 100}]}
SHOW = {"capabilities": ["completion"], "model_info": {}}


def ps(*, skew_s=0.0, **row):
    """A host's answer that lists `a`, loaded five minutes by its own clock."""
    until = NOW + timedelta(seconds=skew_s + 300)
    full = {
        "name": "a:latest",
        "digest": "d-a",
        "size": 100,
        "size_vram": 100,
        "context_length": 4096,
        "expires_at": until.isoformat(),
    }
    return {"models": [full | row]}


def answer(body, *, status=200, skew_s=0.0, **headers):
    """The bytes of an HTTP answer."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    date = format_datetime(NOW + timedelta(seconds=skew_s), usegmt=True)
    lines = {"Date": date, "Content-Length": len(text), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = [f"HTTP/1.1 {status} -", *(f"{k}: {v}" for k, v in lines.items() if v)]
    return "\r\n".join([*head, "", ""]).encode() + text


HEALTHY = {"/api/tags": answer(TAGS), "/api/show": answer(SHOW)}


class Server:
    """Answers each path with the bytes that it is given, or as a function does."""

    host: Host

    def __init__(self, answers):
        self.answers = answers
        self.asked: Counter[str] = Counter()

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            self.asked[path] += 1
            reply = self.answers[path]
            if callable(reply):
                await reply(writer)
            else:
                writer.write(reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answers):
    server = Server(answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server.host = Host(name="gpu", url=f"http://127.0.0.1:{port}")
    try:
        yield server
    finally:
        listener.close()


async def hangs(_writer):
    await asyncio.sleep(3_600)


async def drips(writer):
    """A byte is sent now and then: never quiet, and never done."""
    writer.write(answer(ps(), Content_Length=10**6)[:-1])
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(VIEW_S / 5)


async def drips_its_head(writer):
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(VIEW_S / 5)


NONSENSE = {
    "no JSON": answer(b"<html>log in</html>"),
    "no text": answer(b"\xff\xfe\x00"),
    "nothing": answer(b""),
    "a list": answer([]),
    "a number": answer(7),
    "no models": answer({}),
    "an error under 200": answer({"error": "no"}),
    "models are a number": answer({"models": 5}),
    "models are texts": answer({"models": ["a"]}),
    "half a row": answer({"models": [{"name": "a:latest"}]}),
    "a size without end": answer(ps(size=float("inf"))),
    "no size": answer(ps(size=None)),
    "no instant": answer(ps(expires_at="soon")),
    "a number for an instant": answer(ps(expires_at=12)),
    "an instant before time": answer(ps(expires_at="0001-01-01T00:00:00+14:00")),
    "nested without end": answer(b"[" * 100_000),
    "no date": answer(ps(), Date=""),
    "a date that is none": answer(ps(), Date="yesterday"),
    "a date without a zone": answer(ps(), Date="Mon, 23 Nov 2026 08:00:00 -0000"),
    "500": answer({"error": "no"}, status=500),
    "401": answer({"error": "no"}, status=401),
    "404": answer(b"", status=404),
    "a redirect": answer(b"", status=302, Location="http://127.0.0.1:1/"),
    "half a body": answer(ps(), Content_Length=10_000),
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no HTTP": b"220 smtp ready\r\n",
    "no byte": b"",
    "gzip that is none": answer(ps(), Content_Encoding="gzip"),
    "an unknown encoding": answer(ps(), Content_Encoding="br"),
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
}
