"""What applications import: `from ollama_warmup import warmup, warmup_ollama_model`.

Beside these two it holds what publisher and worker must agree on. Imports nothing
of `worker` or `tasks`; nothing is opened or read from the environment at import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_warmup.aio import warmup_ollama_model
    from ollama_warmup.publish import warmup

__all__ = ["warmup", "warmup_ollama_model"]

_HOMES = {"warmup": "ollama_warmup.publish", "warmup_ollama_model": "ollama_warmup.aio"}


def __getattr__(name: str) -> object:
    """Import Celery only for those who publish: the worker's modules do not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
