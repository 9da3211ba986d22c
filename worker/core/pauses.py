"""What may be paused, by the name that stands for it in `<ns>:paused`. Pure."""

from ollama_warmup import names
from ollama_warmup.target import Target

ALL = "*"
"""Every host and every model."""


def on(host: str, model: str) -> str:
    """A model on one host alone.

    Args:
        host: its name.
        model: the model's normal name; neither of them has a space.
    """
    return f"{host} {model}"


def of(target: Target) -> frozenset[str]:
    """The names of which each, once paused, lets a target rest."""
    return of_model(target.host, target.name.normal)


def of_model(host: str, model: str) -> frozenset[str]:
    """The names of which each, once paused, lets a model on a host rest.

    Args:
        host: its name.
        model: the model's normal name.
    """
    return frozenset({ALL, host, model, on(host, model)})


def shown(name: str) -> str:
    """What is paused by a name, as people write it."""
    if name == ALL:
        return "everything"
    host, gap, model = name.rpartition(" ")
    short = names.parse(model).short if "/" in model else model
    return f"{short} on {host}" if gap else short
