"""Model names: parsing, validity, short form, and where a name says to look."""

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_HOST = "registry.ollama.ai"
_NAMESPACE = "library"
_TAG = "latest"
_MISSING = "!MISSING!"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}\Z")
_NAMESPACE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}\Z")
_HOST_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}\Z")


class Source(enum.Enum):
    """Where a reference insists that its model lives."""

    ANY = enum.auto()
    LOCAL = enum.auto()
    CLOUD = enum.auto()


class BadRefError(ValueError):
    """A model reference that cannot be read."""


class NoModelError(BadRefError):
    """No model was named."""


class InvalidNameError(BadRefError):
    """A part of the name is missing or malformed."""


class ConflictingSourceError(BadRefError):
    """Both `:local` and `:cloud`; the message is Ollama's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A full model name; hashable, compared case-sensitively like a file path."""

    host: str = _HOST
    namespace: str = _NAMESPACE
    model: str
    tag: str = _TAG

    @property
    def full(self) -> str:
        """Every part, as in `registry.ollama.ai/library/llama3:8b`."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def short(self) -> str:
        """What `/api/ps` and `/api/tags` show: defaults left out, the tag never.

        Source: `types/model/name.go`, DisplayShortest.
        """
        name = f"{self.model}:{self.tag}"
        if self.host.lower() != _HOST:
            return f"{self.host}/{self.namespace}/{name}"
        if self.namespace.lower() != _NAMESPACE:
            return f"{self.namespace}/{name}"
        return name

    @property
    def is_valid(self) -> bool:
        """Whether each part has the right characters and length."""
        return bool(
            _HOST_PART.match(self.host)
            and _NAMESPACE_PART.match(self.namespace)
            and _PART.match(self.model)
            and _PART.match(self.tag)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A name as a request gave it, and the source it insists on."""

    name: Name
    source: Source


def parse_name(text: str) -> Name:
    """Split a name into its parts and fill in the defaults; it may be invalid.

    Source: `types/model/name.go`, ParseName.
    """
    tag = host = namespace = ""
    if text.rfind(":") > text.rfind("/"):
        text, _, tag = _cut(text, ":")
    rest, promised, model = _cut(text, "/")
    if promised:
        rest, promised, namespace = _cut(rest, "/")
        if promised:
            _, has_scheme, after = rest.partition("://")
            host = after if has_scheme else rest
        else:
            namespace = rest
    else:
        model = rest
    return Name(
        host=host or _HOST,
        namespace=namespace or _NAMESPACE,
        model=model,
        tag=tag or _TAG,
    )


def parse_ref(text: str, *, for_pull: bool = False) -> Ref:
    """Read a request's model: its name and whether `:local` or `:cloud` was said.

    Args:
        text: what the request named.
        for_pull: keep the cloud suffix as part of the name, as pull and delete do.

    Raises:
        BadRefError: when no model, an invalid one, or both sources are named.

    Source: `internal/modelref/modelref.go`, `server/model_resolver.go`.
    """
    text = text.strip()
    if not text:
        raise NoModelError("model is required")
    base, source = _split_source(text)
    if source is not Source.ANY and _split_source(base)[1] is not Source.ANY:
        raise ConflictingSourceError(f'use either :local or :cloud, not both: "{text}"')
    if for_pull and source is Source.CLOUD:
        base += "-cloud" if base.rfind(":") > base.rfind("/") else ":cloud"
    name = parse_name(base)
    if not name.is_valid:
        raise InvalidNameError(f"unqualified name: {name.full}")
    return Ref(name=name, source=source)


def existing_name(name: Name, known: Iterable[Name]) -> Name:
    """Spell each part as an installed model spells it, whatever its case.

    Source: `server/routes.go`, getExistingName.
    """
    for other in known:
        name = replace(
            name,
            host=_spelled(name.host, other.host),
            namespace=_spelled(name.namespace, other.namespace),
            model=_spelled(name.model, other.model),
            tag=_spelled(name.tag, other.tag),
        )
    return name


def _spelled(part: str, other: str) -> str:
    return other if part.lower() == other.lower() else part


def _cut(text: str, separator: str) -> tuple[str, bool, str]:
    before, found, after = text.rpartition(separator)
    if not found:
        return text, False, ""
    return before or _MISSING, True, after or _MISSING


def _split_source(text: str) -> tuple[str, Source]:
    before, colon, suffix = text.rpartition(":")
    if not colon:
        return text, Source.ANY
    said = suffix.strip()
    match said.lower():
        case "cloud":
            return before, Source.CLOUD
        case "local":
            return before, Source.LOCAL
    if "/" not in said and said.lower().endswith("-cloud"):
        return f"{before}:{said.removesuffix(said[-6:])}", Source.CLOUD
    return text, Source.ANY
