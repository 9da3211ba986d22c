"""The requests of Ollama's inference API, read as its server reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from worker.simulator.gofields import (
    anything,
    boolean,
    integer,
    listing,
    mapping,
    nested,
    octets,
    raw,
    string,
)
from worker.simulator.gojson import (
    Check,
    Decoded,
    DecodeError,
    Struct,
    TypeMismatchError,
    decode,
)
from worker.simulator.physics.keepalive import BadDurationError, keep_alive_s
from worker.simulator.prompts import Turn

_THINK_LEVELS = ("high", "medium", "low", "max")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What generate and chat requests have in common."""

    model: str
    stream: bool = True
    keep_alive_s: float | None = None
    options: Mapping[str, object]
    think: bool | None = None
    truncate: bool = True
    shift: bool | None = None
    top_logprobs: int = 0
    format: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate(Common):
    """A request to `/api/generate`."""

    prompt: str = ""
    suffix: str = ""
    raw: bool = False
    template: str = ""
    system: str = ""
    context: int = 0
    """How many tokens of an earlier answer come before the prompt."""
    images: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat(Common):
    """A request to `/api/chat`."""

    messages: tuple[Turn, ...] = ()
    images: int = 0
    has_tools: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """A request to `/api/embed`, or the older `/api/embeddings`."""

    model: str
    input: object = None
    keep_alive_s: float | None = None
    options: Mapping[str, object]
    truncate: bool = True
    dimensions: int = 0


def read_generate(body: bytes) -> Generate:
    """Decode the body of `/api/generate`.

    Raises:
        DecodeError: with the text of Ollama's 400.
    """
    fields = decode(body, _GENERATE)
    return Generate(
        model=_get(fields, "model", ""),
        stream=_get(fields, "stream", default=True),
        keep_alive_s=_get(fields, "keep_alive", None),
        options=_get(fields, "options", {}),
        think=_get(fields, "think", None),
        truncate=_get(fields, "truncate", default=True),
        shift=_get(fields, "shift", None),
        top_logprobs=_get(fields, "top_logprobs", 0),
        format=fields.get("format"),
        prompt=_get(fields, "prompt", ""),
        suffix=_get(fields, "suffix", ""),
        raw=_get(fields, "raw", default=False),
        template=_get(fields, "template", ""),
        system=_get(fields, "system", ""),
        context=len(_get(fields, "context", [])),
        images=len(_get(fields, "images", [])),
    )


def read_chat(body: bytes) -> Chat:
    """Decode the body of `/api/chat`.

    Raises:
        DecodeError: with the text of Ollama's 400.
    """
    fields = decode(body, _CHAT)
    messages: list[Decoded] = _get(fields, "messages", [])
    return Chat(
        model=_get(fields, "model", ""),
        stream=_get(fields, "stream", default=True),
        keep_alive_s=_get(fields, "keep_alive", None),
        options=_get(fields, "options", {}),
        think=_get(fields, "think", None),
        truncate=_get(fields, "truncate", default=True),
        shift=_get(fields, "shift", None),
        top_logprobs=_get(fields, "top_logprobs", 0),
        format=fields.get("format"),
        messages=tuple(
            Turn(role=_get(each, "role", "").lower(), content=_get(each, "content", ""))
            for each in messages
        ),
        images=sum(len(_get(message, "images", [])) for message in messages),
        has_tools=bool(fields.get("tools")),
    )


def read_embed(body: bytes) -> Embed:
    """Decode the body of `/api/embed`.

    Raises:
        DecodeError: with the text of Ollama's 400.
    """
    fields = decode(body, _EMBED)
    return Embed(
        model=_get(fields, "model", ""),
        input=fields.get("input"),
        keep_alive_s=_get(fields, "keep_alive", None),
        options=_get(fields, "options", {}),
        truncate=_get(fields, "truncate", default=True),
        dimensions=_get(fields, "dimensions", 0),
    )


def read_embedding(body: bytes) -> Embed:
    """Decode the body of the older `/api/embeddings`.

    Raises:
        DecodeError: with the text of Ollama's 400.
    """
    fields = decode(body, _EMBEDDING)
    return Embed(
        model=_get(fields, "model", ""),
        input=_get(fields, "prompt", ""),
        keep_alive_s=_get(fields, "keep_alive", None),
        options=_get(fields, "options", {}),
    )


def _get(fields: Mapping[str, object], name: str, default: _T) -> _T:
    return cast("_T", fields.get(name, default))


def _keep_alive(value: object) -> float | None:
    try:
        return keep_alive_s(anything(value))
    except TypeMismatchError as error:
        error.is_final = True
        raise
    except BadDurationError as error:
        raise DecodeError(str(error)) from error


def _think(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise DecodeError(
            'think must be a boolean or string ("high", "medium", "low", "max", '
            "true, or false)"
        )
    if value not in _THINK_LEVELS:
        raise DecodeError(
            f'invalid think value: "{value}" (must be "high", "medium", "low", '
            '"max", true, or false)'
        )
    return True


_IMAGES = listing("[]api.ImageData", octets("api.ImageData"))
_TOOL_CALL = nested(
    "api.ToolCall",
    {"id": string, "function": nested("api.ToolCallFunction", {"name": string})},
)
_MESSAGE = nested(
    "api.Alias",
    {
        "role": string,
        "content": string,
        "thinking": string,
        "images": _IMAGES,
        "tool_calls": listing("[]api.ToolCall", _TOOL_CALL),
        "tool_name": string,
        "tool_call_id": string,
    },
)
TOOL = nested(
    "api.Tool",
    {
        "type": string,
        "function": nested(
            "api.ToolFunction",
            {"name": string, "description": string},
            struct="ToolFunction",
        ),
    },
    struct="Tool",
)
_SHARED: dict[str, Check] = {
    "model": string,
    "stream": boolean,
    "format": raw,
    "keep_alive": _keep_alive,
    "options": mapping,
    "think": _think,
    "truncate": boolean,
    "shift": boolean,
    "_debug_render_only": boolean,
    "logprobs": boolean,
    "top_logprobs": integer,
}
_GENERATE = Struct(
    "GenerateRequest",
    {
        **_SHARED,
        "prompt": string,
        "suffix": string,
        "system": string,
        "template": string,
        "context": listing("[]int", integer),
        "raw": boolean,
        "images": _IMAGES,
    },
    package="api",
)
_CHAT = Struct(
    "ChatRequest",
    {
        **_SHARED,
        "messages": listing("[]api.Message", _MESSAGE),
        "tools": listing("api.Tools", TOOL),
    },
    package="api",
)
_EMBED = Struct(
    "EmbedRequest",
    {
        "model": string,
        "input": anything,
        "keep_alive": _keep_alive,
        "truncate": boolean,
        "dimensions": integer,
        "options": mapping,
    },
    package="api",
)
_EMBEDDING = Struct(
    "EmbeddingRequest",
    {
        "model": string,
        "prompt": string,
        "keep_alive": _keep_alive,
        "options": mapping,
    },
    package="api",
)
