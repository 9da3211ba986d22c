"""Simulated models, written as a name and what it is like."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from worker.simulator.physics.keepalive import BadDurationError, go_duration_ns
from worker.simulator.physics.models import Capability, Model, Remote, Weights, sha256
from worker.simulator.physics.names import BadRefError, Name, Source, parse_ref

SYNTAX = "NAME?load=12s&token=30ms&size=4.7GB&context=8192&capabilities=completion"

_TRAITS = (
    "load",
    "unload",
    "pull",
    "token",
    "answer",
    "size",
    "context",
    "capabilities",
    "family",
    "of",
)
_PARAMETERS = (
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "use_mmap",
    "num_thread",
    "draft_num_predict",
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(B|KB|MB|GB|TB)?\Z")
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTES_PER_PARAMETER = 0.58
_FREED_BYTES_A_SECOND = 16e9
"""So that a model of 1.3 GB is gone in 80 ms, as in the recording."""

_CLOUD_HOST = "https://ollama.com:443"


class BadSpecError(ValueError):
    """A model that cannot be understood; the message says what to write."""


def parse_models(specs: Iterable[str]) -> tuple[Model, ...]:
    """Read models; a later one replaces an earlier of the same name.

    Raises:
        BadSpecError: naming the spec, the fault in it, and what to write.
    """
    models: dict[Name, Model] = {}
    for spec in specs:
        model = _model(spec, models)
        models[model.name] = model
    return tuple(models.values())


def _model(spec: str, others: Mapping[Name, Model]) -> Model:
    """Read one model.

    (1) `of` shares the weights of a model before it: an alias, or with runner
        options a child.
    (2) A name that ends in `cloud` is a stub of a model that runs elsewhere.
    """
    text, _, query = spec.partition("?")
    try:
        ref = parse_ref(text, for_pull=True)
    except BadRefError as error:
        raise BadSpecError(
            f'model "{spec}": "{text}" is no model name; write {SYNTAX}'
        ) from error
    traits = _traits(spec, query)
    parameters = {
        name: _parameter(spec, name, value)
        for name, value in traits.items()
        if name in _PARAMETERS
    }
    weights, remote = _weights(spec, ref.name, traits), None
    if "of" in traits:  # (1)
        weights = _parent(spec, traits, others).weights
    if ref.source is Source.CLOUD:  # (2)
        remote = Remote(host=_CLOUD_HOST, model=parse_ref(text).name.short)
    return Model(name=ref.name, weights=weights, parameters=parameters, remote=remote)


def _traits(spec: str, query: str) -> dict[str, str]:
    traits = dict(parse_qsl(query, keep_blank_values=True))
    known = (*_TRAITS, *_PARAMETERS)
    for name in traits:
        if name not in known:
            raise BadSpecError(
                f'model "{spec}": unknown "{name}"; known: {", ".join(known)}'
            )
    return traits


def _parent(spec: str, traits: dict[str, str], others: Mapping[Name, Model]) -> Model:
    clash = [name for name in traits if name in _TRAITS and name != "of"]
    if clash:
        raise BadSpecError(
            f'model "{spec}": "{clash[0]}" belongs to the weights, which "of" shares'
        )
    try:
        return others[parse_ref(traits["of"]).name]
    except (BadRefError, KeyError):
        raise BadSpecError(
            f'model "{spec}": "of={traits["of"]}" names no model before it'
        ) from None


def _weights(spec: str, name: Name, traits: Mapping[str, str]) -> Weights:
    size_bytes = _size(spec, traits.get("size", "1GB"))
    capabilities = _capabilities(spec, traits.get("capabilities", "completion"))
    embeds = Capability.EMBEDDING in capabilities
    unload = traits.get("unload", f"{size_bytes / _FREED_BYTES_A_SECOND:.6f}s")
    return Weights(
        digest=sha256(name.full),
        size_bytes=size_bytes,
        load_s=_seconds(spec, "load", traits.get("load", "2s")),
        token_s=_seconds(spec, "token", traits.get("token", "20ms")),
        answer_tokens=_count(
            spec, "answer", traits.get("answer", "48"), least=0, example=48
        ),
        train_context=_count(spec, "context", traits.get("context", "8192")),
        family=traits.get("family", "nomic-bert" if embeds else "llama"),
        parameter_size=f"{size_bytes / _BYTES_PER_PARAMETER / 1e9:.1f}B",
        embedding_length=768 if embeds else 4096,
        capabilities=capabilities,
        unload_s=_seconds(spec, "unload", unload),
        pull_s=_seconds(spec, "pull", traits["pull"]) if "pull" in traits else None,
    )


def _seconds(spec: str, name: str, value: str) -> float:
    try:
        ns = go_duration_ns(value)
    except BadDurationError:
        ns = -1
    if ns < 0:
        raise BadSpecError(
            f'model "{spec}": "{name}={value}" is no duration; write {name}=1.5s'
        )
    return ns / 1e9


def _size(spec: str, value: str) -> int:
    match = _SIZE.match(value.upper())
    if match is None:
        raise BadSpecError(
            f'model "{spec}": "size={value}" is no size; write size=4.7GB'
        )
    return int(float(match[1]) * _BYTES[match[2] or "B"])


def _count(
    spec: str, name: str, value: str, *, least: int = 1, example: int = 8192
) -> int:
    if not value.isdecimal() or int(value) < least:
        raise BadSpecError(
            f'model "{spec}": "{name}={value}" is no number from {least}; '
            f"write {name}={example}"
        )
    return int(value)


def _capabilities(spec: str, value: str) -> tuple[Capability, ...]:
    named = value.split(",")
    unknown = [each for each in named if each not in list(Capability)]
    if unknown:
        raise BadSpecError(
            f'model "{spec}": unknown capability "{unknown[0]}"; '
            f"known: {', '.join(Capability)}"
        )
    return tuple(each for each in Capability if each in named)


def _parameter(spec: str, name: str, value: str) -> object:
    if name == "use_mmap":
        if value not in ("true", "false"):
            raise BadSpecError(f'model "{spec}": write use_mmap=true or use_mmap=false')
        return value == "true"
    try:
        return float(int(value))
    except ValueError:
        raise BadSpecError(
            f'model "{spec}": "{name}={value}" is no whole number'
        ) from None
