"""The OpenAI-compatible endpoints: translations of the native ones."""

import base64
import struct
from collections.abc import Mapping
from typing import cast

from worker.simulator.catalog import shown
from worker.simulator.embeddings import serve_embed
from worker.simulator.errors import HttpError
from worker.simulator.exchange import Body, Exchange, to_json
from worker.simulator.gojson import (
    Decoded,
    Struct,
    anything,
    boolean,
    decode,
    floating,
    integer,
    listing,
    mapping,
    string,
)
from worker.simulator.host import Host
from worker.simulator.inference import serve_chat, serve_generate
from worker.simulator.lookup import NO_INFERENCE, cloud_error
from worker.simulator.physics.names import BadRefError, Source, parse_name, parse_ref
from worker.simulator.requests import Chat, Embed, Generate

_SAMPLING = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")
_KINDS = {400: "invalid_request_error", 404: "not_found_error"}

_CHAT = Struct(
    "ChatCompletionRequest",
    {
        "model": string,
        "messages": listing("[]openai.Message", mapping),
        "stream": boolean,
        "stream_options": mapping,
        "max_tokens": integer,
        "seed": integer,
        "stop": anything,
        "temperature": floating,
        "frequency_penalty": floating,
        "presence_penalty": floating,
        "top_p": floating,
        "response_format": mapping,
        "tools": listing("[]api.Tool"),
        "reasoning": mapping,
        "reasoning_effort": string,
        "logprobs": boolean,
        "top_logprobs": integer,
    },
    package="openai",
)
_COMPLETION = Struct(
    "CompletionRequest",
    {
        "model": string,
        "prompt": string,
        "max_tokens": integer,
        "stream": boolean,
        "stream_options": mapping,
        "suffix": string,
    },
    package="openai",
)
_EMBED = Struct(
    "EmbedRequest",
    {
        "input": anything,
        "model": string,
        "dimensions": integer,
        "encoding_format": string,
    },
    package="openai",
)


class _Translation:
    """Writes native answers as OpenAI's; a stream becomes server-sent events.

    Source: `middleware/openai.go`; `openai/openai.go`.
    """

    kind = "chat.completion"
    prefix = "chatcmpl"

    def __init__(self, host: Host, exchange: Exchange, request: Decoded) -> None:
        self._exchange = exchange
        self._created = int(host.clock.wall())
        self._id = f"{self.prefix}-{sum(host.requests.values()) % 1000}"
        options = cast("Mapping[str, object]", request.get("stream_options", {}))
        self._tells_usage = bool(options.get("include_usage"))
        self._has_begun = False

    async def answer(self, body: Body, *, status: int = 200) -> None:
        native = body or {}
        whole = {
            **self._head(native, self.kind),
            "choices": [{"index": 0, **self._content(native), **_reason(native)}],
            "usage": _usage(native),
        }
        await self._exchange.answer(whole, status=status)

    async def line(self, body: Body) -> None:
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


class _TextTranslation(_Translation):
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


class _EmbeddingTranslation:
    """A list of embeddings, as numbers or in base64."""

    def __init__(self, exchange: Exchange, *, is_base64: bool) -> None:
        self._exchange = exchange
        self._is_base64 = is_base64

    async def answer(self, body: Body, *, status: int = 200) -> None:
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
        await self.answer(body)

    async def end(self) -> None:
        await self._exchange.end()

    def _coded(self, vector: list[float]) -> object:
        if not self._is_base64:
            return vector
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def chat_completions(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/chat/completions`; it takes neither runner options nor keep-alive.

    Source: `middleware/openai.go`, ChatMiddleware; `openai/openai.go`,
    FromChatRequest.
    """
    request = decode(exchange.body, _CHAT)
    _refuse_cloud(host, request)
    messages = cast("list[Decoded]", request.get("messages", []))
    if not messages:
        raise HttpError(400, "[] is too short - 'messages'")
    contents = [part for message in messages for part in _parts(message)]
    effort = request.get("reasoning_effort")
    chat = Chat(
        model=str(request.get("model", "")),
        stream=bool(request.get("stream")),
        options=_options(request),
        think=None if effort is None else effort != "none",
        messages=tuple(contents),
        has_tools=bool(request.get("tools")),
    )
    await serve_chat(host, _Translation(host, exchange, request), chat)


async def completions(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/completions`.

    Source: `middleware/openai.go`, CompletionsMiddleware.
    """
    request = decode(exchange.body, _COMPLETION)
    _refuse_cloud(host, request)
    generate = Generate(
        model=str(request.get("model", "")),
        stream=bool(request.get("stream")),
        options=_options(request),
        prompt=str(request.get("prompt", "")),
        suffix=str(request.get("suffix", "")),
    )
    await serve_generate(host, _TextTranslation(host, exchange, request), generate)


async def embeddings(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/embeddings`.

    Source: `middleware/openai.go`, EmbeddingsMiddleware.
    """
    request = decode(exchange.body, _EMBED)
    _refuse_cloud(host, request)
    coding = str(request.get("encoding_format", "float"))
    if coding.lower() not in ("float", "base64"):
        raise HttpError(
            400,
            f"Invalid value for 'encoding_format' = {coding}. "
            "Supported values: ['float', 'base64'].",
        )
    given = request.get("input")
    if given is None or given == []:
        raise HttpError(400, "invalid input")
    embed = Embed(
        model=str(request.get("model", "")),
        input=[""] if given == "" else given,
        options={},
        dimensions=cast("int", request.get("dimensions", 0)),
    )
    writer = _EmbeddingTranslation(exchange, is_base64=coding.lower() == "base64")
    await serve_embed(host, writer, embed)


async def models(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/models`; an empty list is null, as in Go."""
    rows = [_model(host, m.name.short, m.modified_at) for m in host.library.models]
    await exchange.answer({"object": "list", "data": rows or None})


async def model(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/models/{model}`."""
    name = exchange.path.removeprefix("/v1/models/")
    shown(host, name)
    await exchange.answer(_model(host, name, 0))


def error_body(status: int, text: str) -> dict[str, object]:
    """Word an error as OpenAI does.

    Source: `openai/openai.go`, NewError.
    """
    kind = _KINDS.get(status, "api_error")
    error = {"message": text, "type": kind, "param": None, "code": None}
    return {"error": error}


def _refuse_cloud(host: Host, request: Decoded) -> None:
    try:
        ref = parse_ref(str(request.get("model", "")))
    except BadRefError:
        return
    if ref.source is Source.CLOUD:
        raise cloud_error(host, NO_INFERENCE)


def _parts(message: Decoded) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    if isinstance(content, list):
        texts = [p.get("text") for p in content if isinstance(p, dict)]
        if len(texts) != len(content):
            raise HttpError(400, "invalid message format")
        return [str(text or "") for text in texts]
    if message.get("tool_calls"):
        return [""]
    raise HttpError(400, f"invalid message content type: {_go_type(content)}")


def _options(request: Decoded) -> dict[str, object]:
    given = {name: request[name] for name in _SAMPLING if name in request}
    if "max_tokens" in request:
        given["num_predict"] = request["max_tokens"]
    return {name: float(cast("float", value)) for name, value in given.items()}


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


def _model(host: Host, name: str, modified_at: float) -> dict[str, object]:
    return {
        "id": name,
        "object": "model",
        "created": int(host.clock.wall(modified_at)),
        "owned_by": parse_name(name).namespace,
    }


def _go_type(value: object) -> str:
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case float():
            return "float64"
    return "map[string]interface {}"
