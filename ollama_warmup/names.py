"""Ollama's model names: parse, compare, and refuse what is none.

A name is `[[host/]namespace/]model[:tag]`; what is left out is
`registry.ollama.ai`, `library` and `latest`. Letters match in either case.
Source: Ollama types/model/name.go and internal/modelref/modelref.go at 0.33.
"""

import re
from dataclasses import dataclass, field

from ollama_warmup.errors import BadRequest

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

_PARTS = {
    "host": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}", re.ASCII),
    "namespace": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}", re.ASCII),
    "model": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", re.ASCII),
    "tag": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", re.ASCII),
}
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A valid model name, its left-out parts filled in, its case kept."""

    host: str
    namespace: str
    model: str
    tag: str
    normal: str = field(init=False, repr=False, compare=False)
    """The form in which equal names are equal: whole and in lower case."""

    def __post_init__(self) -> None:
        """Passes ask for the normal form again and again."""
        whole = f"{self.host}/{self.namespace}/{self.model}:{self.tag}"
        object.__setattr__(self, "normal", whole.lower())

    @property
    def short(self) -> str:
        """The form that `/api/ps` and `ollama ps` show, the tag always in it."""
        base = f"{self.model}:{self.tag}"
        if self.host.lower() != DEFAULT_HOST:
            return f"{self.host}/{self.namespace}/{base}"
        if self.namespace.lower() != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{base}"
        return base

    @property
    def is_cloud(self) -> bool:
        """Whether Ollama hands this name on to its cloud (`:cloud`, `:…-cloud`)."""
        tag = self.tag.lower()
        return tag == "cloud" or tag.endswith("-cloud")


def parse(text: str) -> Name:
    """Read a model name in any of the forms that Ollama takes.

    Raises:
        BadRequest: no valid name; the message shows the value and the syntax.
    """
    head, tag = text.strip(), DEFAULT_TAG
    if head.lower().endswith(":local"):  # says "not the cloud", is no tag
        head = head[: -len(":local")]
    if head.rfind(":") > head.rfind("/"):
        head, _, tag = head.rpartition(":")
    *before, model = head.split("/")
    namespace = before.pop() if before else DEFAULT_NAMESPACE
    host = "/".join(before) if before else DEFAULT_HOST
    host = host.removeprefix("https://").removeprefix("http://")
    name = Name(host=host, namespace=namespace, model=model, tag=tag)
    for part, pattern in _PARTS.items():
        value = getattr(name, part)
        if not pattern.fullmatch(value):
            raise BadRequest(_complaint(text, part, value))
    return name


def parse_loadable(text: str) -> Name:
    """Read the name of a model that a host loads itself.

    Raises:
        BadRequest: no valid name, or that of a cloud model.
    """
    name = parse(text)
    if name.is_cloud:
        raise BadRequest(
            f"{text!r} runs in Ollama's cloud, where there is nothing to warm: "
            "name a model that this host loads itself"
        )
    return name


def _complaint(text: str, part: str, value: str) -> str:
    shown = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    if not text.strip():
        return "the model name is empty: write one such as llama3:8b"
    what = f"its {part} {value[:_LONGEST_SHOWN]!r}" if value else f"an empty {part}"
    return (
        f"{shown!r} is no model name ({what} is not allowed): write "
        "[[host/]namespace/]model[:tag] such as llama3:8b; `ollama list` shows them"
    )
