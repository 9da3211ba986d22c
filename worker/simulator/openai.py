"""The OpenAI-compatible endpoints: translations of the native ones."""

from typing import cast

from worker.simulator.catalog import shown_model
from worker.simulator.embeddings import serve_embed
from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange
from worker.simulator.gofields import (
    anything,
    boolean,
    floating,
    integer,
    listing,
    nested,
    string,
)
from worker.simulator.gojson import Decoded, Struct, decode
from worker.simulator.gosyntax import quoted
from worker.simulator.host import Host
from worker.simulator.inference import serve_chat, serve_generate
from worker.simulator.lookup import NO_INFERENCE, cloud_error
from worker.simulator.physics.names import BadRefError, Source, parse_name, parse_ref
from worker.simulator.prompts import Turn
from worker.simulator.requests import TOOL, Chat, Embed, Generate
from worker.simulator.translation import (
    ChatTranslation,
    EmbeddingTranslation,
    TextTranslation,
)

_SAMPLING = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")

_EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "ultra", "max", "none")

_MESSAGE = nested(
    "openai.Message",
    {
        "role": string,
        "content": anything,
        "tool_calls": listing("[]openai.ToolCall", nested("openai.ToolCall", {})),
    },
    struct="Message",
)
_CHAT = Struct(
    "ChatCompletionRequest",
    {
        "model": string,
        "messages": listing("[]openai.Message", _MESSAGE),
        "stream": boolean,
        "stream_options": nested("openai.StreamOptions", {"include_usage": boolean}),
        "max_tokens": integer,
        "seed": integer,
        "stop": anything,
        "temperature": floating,
        "frequency_penalty": floating,
        "presence_penalty": floating,
        "top_p": floating,
        "response_format": nested("openai.ResponseFormat", {}),
        "tools": listing("[]api.Tool", TOOL),
        "reasoning": nested("openai.Reasoning", {"effort": string}, struct="Reasoning"),
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
        "stream_options": nested("openai.StreamOptions", {"include_usage": boolean}),
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
    turns = tuple(turn for message in messages for turn in _turns(message))
    chat = Chat(
        model=str(request.get("model", "")),
        stream=bool(request.get("stream")),
        options=_options(request),
        think=_thinks(request),
        top_logprobs=cast("int", request.get("top_logprobs", 0)),
        messages=turns,
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
    exchange.has_charset = False
    rows = [_model(host, m.name.short, m.modified_at) for m in host.library.models]
    await exchange.answer({"object": "list", "data": rows or None})


async def model(host: Host, exchange: Exchange) -> None:
    """Answer `/v1/models/{model}`."""
    exchange.has_charset = False
    name = exchange.path.removeprefix("/v1/models/")
    await exchange.answer(_model(host, name, shown_model(host, name).modified_at))


def _refuse_cloud(host: Host, request: Decoded) -> None:
    try:
        ref = parse_ref(str(request.get("model", "")))
    except BadRefError:
        return
    if ref.source is Source.CLOUD:
        raise cloud_error(host, NO_INFERENCE)


def _turns(message: Decoded) -> list[Turn]:
    """Read a message; each part of it counts as one."""
    role, content = str(message.get("role", "")).lower(), message.get("content")
    if isinstance(content, str):
        return [Turn(role=role, content=content)]
    if isinstance(content, list):
        return [Turn(role=role, content=_text(part)) for part in content]
    if "tool_calls" in message:
        return [Turn(role=role)]
    raise HttpError(400, f"invalid message content type: {_go_type(content)}")


def _text(part: object) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image_url", "image_url": {"url": str()} | str()}:
            return ""
    raise HttpError(400, "invalid message format")


def _thinks(request: Decoded) -> bool | None:
    """Whether to think; None leaves it to the model.

    Source: `openai/openai.go`, thinkFromReasoningEffort.
    """
    effort = request.get("reasoning_effort", "")
    if "reasoning" in request:
        effort = cast("Decoded", request["reasoning"]).get("effort", "")
    if not effort:
        return None
    if effort not in _EFFORTS:
        known = ", ".join(f'"{each}"' for each in _EFFORTS[:-1])
        told = f'(must be {known}, or "none")'
        raise HttpError(400, f"invalid reasoning value: {quoted(str(effort))} {told}")
    return effort != "none"


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
