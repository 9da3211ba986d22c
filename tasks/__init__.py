"""The tasks: `from tasks import warmup`, then `warmup.delay("llama3:8b")`."""

from tasks.pulling import pull
from tasks.unloading import unload
from tasks.warming import warmup

__all__ = ["pull", "unload", "warmup"]
