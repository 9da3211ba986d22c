"""For an application's own client: which of its calls met a cold model.

A hook of httpx, and so of `ollama.Client`. It puts a stream between the application
and the answer that hands on every byte as it comes, and notes two things in passing:
the model, which stands first, and `load_duration`, which stands in the last object.
What follows from them happens in a thread of `ollama_warmup.callcounts`.

Source of the fields: `GenerateResponse`, `ChatResponse`, `EmbedResponse` and
`Metrics`, api/types.go of Ollama at 0.33. Answers below `/v1` have no such field.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Generator, Iterator

import httpx

from ollama_warmup import callcounts
from ollama_warmup.met import Call

logger = logging.getLogger(__name__)

PATHS = ("/api/generate", "/api/chat", "/api/embed")
HEAD_BYTES = 512
"""The model's name stands within so many."""
TAIL_BYTES = 64
"""Longer than what is looked for, which two chunks may share."""

_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]+)"')
_KEY = b'"load_duration"'
# In a text of the answer its quotes would be escaped.
_LOAD_NS = re.compile(_KEY + rb"\s*:\s*(\d+)\s*[,}]")


def count_cold_hits(response: httpx.Response) -> Awaitable[None]:
    """Count whether a call met a warm model: `event_hooks={"response": [this]}`.

    For `httpx.Client` and `httpx.AsyncClient`, `ollama.Client` and
    `ollama.AsyncClient`; streamed or not. Never raises, and waits for nothing: Redis
    is told once a second, in the background.

    Returns:
        What an asynchronous client awaits; it is done already.
    """
    try:
        _watch(response)
    except Exception:
        logger.exception("A call of Ollama is not counted")
    return _DONE


class _Done:
    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_DONE = _Done()


def _watch(response: httpx.Response) -> None:
    path = response.request.url.path
    api = next((api for api in PATHS if path.endswith(api)), None)
    coding = response.headers.get("content-encoding", "identity")
    if api is None or not response.is_success or coding != "identity":
        return
    seen = _Seen(str(response.request.url).partition("?")[0].removesuffix(api))
    if response.is_stream_consumed:  # by a hook before this one
        seen.see(response.content)
        seen.end()
    elif isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _AsyncStream(response.stream, seen)
    elif isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Stream(response.stream, seen)


class _Seen:
    """What was seen of one answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._head = b""
        self._tail = b""
        self._load_ns: int | None = None

    def see(self, chunk: bytes) -> None:
        """Look at the next bytes, however they are cut."""
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[:HEAD_BYTES]
        text = self._tail + chunk
        if _KEY in text:
            for found in _LOAD_NS.finditer(text):
                self._load_ns = int(found[1])
        self._tail = text[-TAIL_BYTES:]

    def end(self) -> None:
        """Hand it over, once; what ended early, or only loaded, has no duration."""
        load_ns, self._load_ns = self._load_ns, None
        if load_ns is None:
            return
        found = _MODEL.search(self._head)
        model = found[1].decode(errors="replace") if found else ""
        try:
            callcounts.add(Call(url=self._url, model=model, load_s=load_ns / 1e9))
        except Exception:
            logger.exception("A call of Ollama is not counted")


class _Stream(httpx.SyncByteStream):
    """An answer as it comes."""

    def __init__(self, inner: httpx.SyncByteStream, seen: _Seen) -> None:
        self._inner = inner
        self._seen = seen

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._seen.see(chunk)
            yield chunk

    def close(self) -> None:
        self._seen.end()
        self._inner.close()


class _AsyncStream(httpx.AsyncByteStream):
    """An answer as it comes."""

    def __init__(self, inner: httpx.AsyncByteStream, seen: _Seen) -> None:
        self._inner = inner
        self._seen = seen

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._seen.see(chunk)
            yield chunk

    async def aclose(self) -> None:
        self._seen.end()
        await self._inner.aclose()
