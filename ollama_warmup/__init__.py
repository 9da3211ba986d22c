"""What applications import: `from ollama_warmup import warmup, warmup_ollama_model`.

Beside what `__all__` names it holds what publisher and worker must agree on.
Imports nothing of `worker` or `tasks`; nothing is opened or read from the
environment at import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_warmup.aio import warmup_ollama_model
    from ollama_warmup.coldhits import count_cold_hits
    from ollama_warmup.health import readiness
    from ollama_warmup.publish import warmup
    from ollama_warmup.startup import start_in_background, warmup_lifespan

__all__ = [
    "count_cold_hits",
    "readiness",
    "start_in_background",
    "warmup",
    "warmup_lifespan",
    "warmup_ollama_model",
]

_HOMES = {
    "count_cold_hits": "ollama_warmup.coldhits",
    "readiness": "ollama_warmup.health",
    "start_in_background": "ollama_warmup.startup",
    "warmup": "ollama_warmup.publish",
    "warmup_lifespan": "ollama_warmup.startup",
    "warmup_ollama_model": "ollama_warmup.aio",
}
# No module has the name of what it offers: once imported, it would hide it here.


def __getattr__(name: str) -> object:
    """Import Celery only for those who publish: the worker's modules do not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
