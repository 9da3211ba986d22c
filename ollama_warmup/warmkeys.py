"""The keys of the warm list's file, and what each may say.

Only shapes: what options, names and durations mean is checked where requests are,
in `ollama_warmup.wishes`. The published JSON Schema is made from these models, so
their docstrings are what editors show to people.
"""

import json
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from ollama_warmup import durations, request, settings
from ollama_warmup.target import Sample

TEXT, ELSE = "<text>", "<else>"
"""Of what may be text or something else, which one it is; no key of the file."""


def _kind(value: object) -> str:
    return TEXT if isinstance(value, str) else ELSE


def _as_text(value: object) -> str:
    """A value as YAML writes it; a text in quotes, for none is expected."""
    is_scalar = value is None or isinstance(value, str | int | float)
    return json.dumps(value) if is_scalar else str(value)


def _drop_default(schema: dict[str, Any]) -> None:
    """Leave out of the JSON Schema a default that only means "not stated"."""
    del schema["default"]


def _token(template: str) -> str:
    settings.secret_name(template)
    return template


_Url = Annotated[
    str,
    Field(min_length=1, examples=["http://10.0.0.5:11434"]),
    AfterValidator(settings.host_url),
]
_KEEP_ALIVE = {
    "anyOf": [
        {"type": "string", "pattern": rf"^\+?({durations.PART.pattern})+$"},
        {"const": -1},
    ],
    "examples": ["30m", "24h"],
}
_TOKEN = {
    "type": "string",
    "pattern": f"^{settings.SECRET}$",
    "examples": [f"${{env.{settings.SECRET_PREFIX}NAME}}"],
}


class Keys(BaseModel):
    """Keys of the file; every other one is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


class Message(Keys):
    """One message of a chat."""

    role: Literal["system", "user", "assistant", "tool"]
    """Who says it."""
    content: str = Field(min_length=1)
    """What is said."""


class HostEntry(Keys):
    """One Ollama server."""

    url: _Url
    """Where it listens: host, host:port or http(s)://host[:port][/path]."""
    token: Annotated[str, WithJsonSchema(_TOKEN), AfterValidator(_token)] = Field(
        default="", json_schema_extra=_drop_default
    )
    """Sent as `Authorization: Bearer`, to this host alone.

    Always the name of a variable, never the secret itself:
    `${env.OLLAMA_WARMUP_SECRET_NAME}`."""

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.token and "@" in urlsplit(self.url).netloc:
            raise ValueError("the url has a login, and there is a token: keep one")
        return self


class Defaults(Keys):
    """What holds for every model that does not state it itself."""

    options: dict[str, object] = Field(default_factory=dict)
    """Runner options, exactly as the application sends them.

    One that differs makes Ollama load the model anew. A model's own options replace
    these wholly."""
    keep_alive: Annotated[object, WithJsonSchema(_KEEP_ALIVE)] = Field(
        default=None, json_schema_extra=_drop_default
    )
    """How long the model stays loaded after its last request, 2s to 8760h.

    Without it, the server's own (OLLAMA_KEEP_ALIVE there)."""
    keep_alive_forever: bool = False
    """Allows `keep_alive: -1`: the model has no timer.

    It pins nothing, and makes a wedged server stay wedged."""
    priority: int = 0
    """The higher one is warmed first; among equals the one that stands first."""
    critical: bool = False
    """Whether readiness waits for it; if none is critical, it waits for all."""
    sample: Annotated[
        Annotated[str, Field(min_length=1), Tag(TEXT)]
        | Annotated[list[Message], Field(min_length=1), Tag(ELSE)],
        Discriminator(_kind),
    ] = Field(default="", json_schema_extra=_drop_default)
    """What to warm with: a prompt, or the messages of a chat.

    One token of an answer is asked for. Without it, a prompt of one word."""
    pull: bool = False
    """Whether to pull the model when a host lacks it."""
    hosts: list[str] = Field(
        default_factory=list, min_length=1, json_schema_extra={"uniqueItems": True}
    )
    """The names of the hosts that shall have it warm; without it, all of them."""

    def option_texts(self) -> dict[str, str]:
        """Each option as a request would write it."""
        return {key: _as_text(value) for key, value in self.options.items()}

    def keep_alive_texts(self) -> dict[str, str]:
        """Of the keys about the keep-alive those that are stated, likewise."""
        return {
            key: value if isinstance(value, str) else _as_text(value)
            for key in request.KEEP_ALIVE
            if key in self.model_fields_set
            for value in (getattr(self, key),)
        }

    def as_sample(self) -> Sample:
        """The sample as a target has it."""
        if isinstance(self.sample, str):
            return self.sample
        return tuple((message.role, message.content) for message in self.sample)


class Entry(Defaults):
    """One model, and how it is wanted."""

    model: str = Field(
        min_length=1,
        examples=["llama3:8b"],
        json_schema_extra={"pattern": "^[^?]+$"},  # with a `?`, `wishes` says more
    )
    """Its name alone, as `ollama list` shows it."""


_Hosts = dict[
    str,
    Annotated[
        Annotated[_Url, Tag(TEXT)] | Annotated[HostEntry, Tag(ELSE)],
        Discriminator(_kind),
    ],
]
_RequestText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=request.LONGEST,
        description="A request: MODEL[?OPTION=VALUE&…&keep_alive=DURATION].",
        examples=["llama3:8b?num_ctx=8192&keep_alive=30m"],
    ),
]


class WarmFile(Keys):
    """What Ollama models to keep warm, and on which hosts."""

    hosts: _Hosts = Field(
        default_factory=dict,
        min_length=1,
        json_schema_extra={"propertyNames": {"pattern": f"^{request.HOST.pattern}$"}},
    )
    """The Ollama servers by name, the first one first: a URL, or url and token.

    Without it, OLLAMA_WARMUP_HOSTS or OLLAMA_HOST names them."""
    defaults: Defaults = Field(default_factory=Defaults)
    """What holds for every model that does not state it itself."""
    models: list[
        Annotated[
            Annotated[_RequestText, Tag(TEXT)] | Annotated[Entry, Tag(ELSE)],
            Discriminator(_kind),
        ]
    ] = Field(default_factory=list)
    """The models to keep warm: each a request as text, or keys.

    Without it, OLLAMA_WARMUP_MODELS names them."""
