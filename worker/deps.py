"""What the use cases of one process work with."""

from collections.abc import Callable
from dataclasses import dataclass

from ollama_warmup.warmlist import WarmList
from worker.core.passes import Rules
from worker.ports import Clock, LoadStore, ModelServer, Observer, PassStore, Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Every use case takes it as its second argument."""

    server: Callable[[str], ModelServer]
    """The Ollama of a host, by its name; raises `UnknownHost`."""
    observer: Observer
    store: LoadStore
    passes: PassStore
    clock: Clock
    threads: Threads
    nonce: Callable[[], str]
    """Makes a text of hexadecimal digits, at least 8, that occurs once."""
    warm_list: WarmList
    """What is wanted now."""
    rules: Rules
    """The rules of this deployment's passes."""
    load_ceiling_s: float
    """Seconds after which a load is given up."""
    on_load_ended: Callable[[str], None]
    """Given the host when a load on it has ended and its lane is free; must not
    raise."""
