"""The tasks: `from tasks import warmup`, then `warmup.delay("llama3:8b")`."""

from tasks.warming import warmup

__all__ = ["warmup"]
