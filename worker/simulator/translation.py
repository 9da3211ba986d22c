"""Native answers in OpenAI's words."""

import base64
import struct
from collections.abc import Mapping
from typing import cast

from worker.simulator.exchange import Body, Exchange, to_json
from worker.simulator.gojson import Decoded
from worker.simulator.host import Host

_KINDS = {400: "invalid_request_error", 404: "not_found_error"}


class ChatTranslation:
    """Writes native answers as OpenAI's; a stream becomes server-sent events.

    Source: `middleware/openai.go`; `openai/openai.go`.
    """

    kind = "chat.completion"
    prefix = "chatcmpl"

    def __init__(self, host: Host, exchange: Exchange, request: Decoded) -> None:
        self._exchange = exchange
        exchange.has_charset = False
        self._created = int(host.clock.wall())
        self._id = f"{self.prefix}-{sum(host.requests.values()) % 1000}"
        options = cast("Mapping[str, object]", request.get("stream_options", {}))
        self._tells_usage = bool(options.get("include_usage"))
        self._has_begun = False

    async def answer(self, body: Body, *, status: int = 200) -> None:
        """Send a whole answer."""
        native = body or {}
        whole = {
            **self._head(native, self.kind),
            "choices": [{"index": 0, **self._content(native), **_reason(native)}],
            "usage": _usage(native),
        }
        await self._exchange.answer(whole, status=status)

    async def line(self, body: Body) -> None:
        """Send one piece of a streamed answer."""
        native = body or {}
        head = self._head(native, f"{self.kind}.chunk")
        if not native.get("done"):
            choice = {"index": 0, **self._delta(native), "finish_reason": None}
            await self._event({**head, "choices": [choice]})
            return
        last = {"index": 0, **self._last(), **_reason(native)}
        await self._event({**head, "choices": [last]})
        if self._tells_usage:
            await self._event({**head, "choices": [], "usage": _usage(native)})
        await self._exchange.chunk(b"data: [DONE]\n\n", kind="text/event-stream")

    async def end(self) -> None:
        """End a streamed answer."""
        await self._exchange.begin(kind="text/event-stream")
        await self._exchange.end()

    def _head(self, native: Mapping[str, object], kind: str) -> dict[str, object]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": native["model"],
            "system_fingerprint": "fp_ollama",
        }

    def _content(self, native: Mapping[str, object]) -> dict[str, object]:
        return {"message": _message(native)}

    def _delta(self, native: Mapping[str, object]) -> dict[str, object]:
        delta = _message(native)
        if self._has_begun:
            del delta["role"]
        self._has_begun = True
        return {"delta": delta}

    def _last(self) -> dict[str, object]:
        return {"delta": {}}

    async def _event(self, body: Body) -> None:
        data = b"data: " + to_json(body) + b"\n\n"
        await self._exchange.chunk(data, kind="text/event-stream")


class TextTranslation(ChatTranslation):
    """The older completions, whose text stands in the choice."""

    kind = "text_completion"
    prefix = "cmpl"

    def _head(self, native: Mapping[str, object], _kind: str) -> dict[str, object]:
        return super()._head(native, self.kind)

    def _content(self, native: Mapping[str, object]) -> dict[str, object]:
        return {"text": native.get("response", "")}

    def _delta(self, native: Mapping[str, object]) -> dict[str, object]:
        return self._content(native)

    def _last(self) -> dict[str, object]:
        return {"text": ""}


class EmbeddingTranslation:
    """A list of embeddings, as numbers or in base64."""

    def __init__(self, exchange: Exchange, *, is_base64: bool) -> None:
        self._exchange = exchange
        exchange.has_charset = False
        self._is_base64 = is_base64

    async def answer(self, body: Body, *, status: int = 200) -> None:
        """Send a whole answer."""
        native = body or {}
        vectors = cast("list[list[float]]", native.get("embeddings", []))
        data = [
            {"object": "embedding", "embedding": self._coded(vector), "index": index}
            for index, vector in enumerate(vectors)
        ]
        tokens = native.get("prompt_eval_count", 0)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        listed = {"object": "list", "data": data, "model": native["model"]}
        await self._exchange.answer({**listed, "usage": usage}, status=status)

    async def line(self, body: Body) -> None:
        """Send one piece of a streamed answer."""
        await self.answer(body)

    async def end(self) -> None:
        """End a streamed answer."""
        await self._exchange.end()

    def _coded(self, vector: list[float]) -> object:
        if not self._is_base64:
            return vector
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def error_body(status: int, text: str) -> dict[str, object]:
    """Word an error as OpenAI does.

    Source: `openai/openai.go`, NewError.
    """
    kind = _KINDS.get(status, "api_error")
    error = {"message": text, "type": kind, "param": None, "code": None}
    return {"error": error}


def _message(native: Mapping[str, object]) -> dict[str, object]:
    message = dict(cast("Mapping[str, object]", native["message"]))
    if "thinking" in message:
        message["reasoning"] = message.pop("thinking")
    return message


def _reason(native: Mapping[str, object]) -> dict[str, object]:
    return {"finish_reason": native.get("done_reason")}


def _usage(native: Mapping[str, object]) -> dict[str, int]:
    prompt = cast("int", native.get("prompt_eval_count", 0))
    written = cast("int", native.get("eval_count", 0))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
    }
