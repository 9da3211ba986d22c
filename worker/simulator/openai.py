"""The OpenAI-compatible endpoints: translations of the native ones."""

from typing import cast

from worker.simulator.catalog import shown_model
from worker.simulator.embeddings import serve_embed
from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange
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
from worker.simulator.translation import (
    ChatTranslation,
    EmbeddingTranslation,
    TextTranslation,
)

_SAMPLING = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")

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
    await serve_chat(host, ChatTranslation(host, exchange, request), chat)


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
    await serve_generate(host, TextTranslation(host, exchange, request), generate)


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
    writer = EmbeddingTranslation(exchange, is_base64=coding.lower() == "base64")
    await serve_embed(host, writer, embed)


async def models(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/models`; an empty list is null, as in Go."""
    rows = [_model(host, m.name.short, m.modified_at) for m in host.library.models]
    await exchange.answer({"object": "list", "data": rows or None})


async def model(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/models/{model}`."""
    name = exchange.path.removeprefix("/v1/models/")
    await exchange.answer(_model(host, name, shown_model(host, name).modified_at))


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
