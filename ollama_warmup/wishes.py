"""From what is written, as text or as keys of the file, to targets.

The rules are those of a request, `ollama_warmup.request`: they stand nowhere twice.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ollama_warmup import names, request
from ollama_warmup.errors import BadRequest
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Target
from ollama_warmup.warmkeys import Defaults, Entry
from ollama_warmup.yamlfile import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one place states, checked."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of a `Target`: those that are stated."""
    hosts: Sequence[str] | None = None
    """None = not stated."""
    dropped: Sequence[str] = ()
    """Sampling options, which mean nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model that is wanted."""

    wish: Wish
    place: Place
    model: str
    name: names.Name


def of_text(text: str, place: Place) -> Model:
    """What a request says.

    Raises:
        BadSettings: what `request.parse` refuses.
    """
    with place.at():
        wanted = request.parse(text)
    fields: dict[str, Any] = {}
    if wanted.options.given() or wanted.dropped:
        fields["options"] = wanted.options
    if wanted.keep_alive_s is not None:
        fields["keep_alive_s"] = wanted.keep_alive_s
    wish = Wish(fields=fields, dropped=wanted.dropped)
    return Model(wish=wish, place=place, model=wanted.model, name=wanted.name)


def of_entry(entry: Entry, place: Place, *, hosts: Collection[str]) -> Model:
    """What the keys of a model say.

    Raises:
        BadSettings: no such name, option, keep-alive or host.
    """
    wish = of_keys(entry, place, hosts=hosts)
    with place.at("model"):
        if "?" in entry.model:
            raise BadRequest("write the name alone here, and options below `options`")
        name = names.parse_loadable(entry.model)
    return Model(wish=wish, place=place, model=entry.model.strip(), name=name)


def of_keys(keys: Defaults, place: Place, *, hosts: Collection[str]) -> Wish:
    """What keys say, those of a model or the defaults.

    Raises:
        BadSettings: no such option, keep-alive or host.
    """
    stated = keys.model_fields_set
    fields = {k: getattr(keys, k) for k in stated & {"priority", "critical", "pull"}}
    if "options" in stated:
        fields["options"] = _options(keys.option_texts(), place)
    with place.at("keep_alive"):
        keep_alive_s = request.keep_alive_s(keys.keep_alive_texts())
    if keep_alive_s is not None:
        fields["keep_alive_s"] = keep_alive_s
    if "sample" in stated:
        fields["sample"] = keys.as_sample()
    for number, host in enumerate(keys.hosts):
        with place.at("hosts", number):
            _check_host(host, keys.hosts[:number], hosts)
    return Wish(
        fields=fields,
        hosts=keys.hosts if "hosts" in stated else None,
        dropped=sorted(request.SAMPLING & keys.options.keys()),
    )


def _options(texts: Mapping[str, str], place: Place) -> RunnerOptions:
    read: dict[str, Any] = {}
    for key, text in texts.items():
        with place.at("options", key):
            if key in request.KEEP_ALIVE:
                raise BadRequest("write it beside `options`, not below")
            read |= request.options({key: text})
    return RunnerOptions(**read)


def _check_host(host: str, before: Collection[str], known: Collection[str]) -> None:
    if host not in known:
        raise BadRequest(f"no host {host[:60]!r}: the hosts are {', '.join(known)}")
    if host in before:
        raise BadRequest(f"host {host} stands here twice: keep one")


def targets(
    models: Sequence[Model], *, defaults: Wish, hosts: Sequence[str]
) -> tuple[Target, ...]:
    """One target for each model on each of its hosts.

    Args:
        models: in their order.
        defaults: what a model takes that it does not state itself.
        hosts: the names of all hosts, in their order.

    Returns:
        Hosts in their order, and models in theirs.

    Raises:
        BadSettings: a model twice on one host.
    """
    wanted = []
    for host in hosts:
        seen: set[str] = set()
        for model in models:
            if host not in (model.wish.hosts or defaults.hosts or hosts):
                continue
            with model.place.at():
                _refuse_second(model.name, seen)
            wanted.append(_target(model, defaults, host))
    return tuple(wanted)


def _refuse_second(name: names.Name, seen: set[str]) -> None:
    if name.normal in seen:
        raise BadRequest(
            f"{name.short} is named twice; one runner serves one set of options, so "
            "keep one"
        )
    seen.add(name.normal)


def _target(model: Model, defaults: Wish, host: str) -> Target:
    unstated = {"options": RunnerOptions(), "keep_alive_s": None}
    fields = {**unstated, **defaults.fields, **model.wish.fields}
    return Target(host=host, model=model.model, name=model.name, **fields)


def dropped(models: Sequence[Model]) -> Iterator[str]:
    """A sentence for each model with options that mean nothing to a warm-up."""
    for model in models:
        if model.wish.dropped:
            yield (
                f"Ignoring options of {model.model} that never reload a model: "
                f"{', '.join(model.wish.dropped)}"
            )
