"""A target: one model wanted on one host, and which one a request means.

Resolution is pure; publisher and worker both run it, the worker's verdict counts.
"""

from collections.abc import Collection
from dataclasses import dataclass

from ollama_warmup.errors import UnknownHost
from ollama_warmup.names import Name
from ollama_warmup.request import RunnerOptions, WarmupRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing wanted: (host, model, runner options) and how long it stays."""

    host: str
    """A configured host's name."""
    model: str
    """The model's name as it is written, sent and logged."""
    name: Name
    options: RunnerOptions
    keep_alive_s: float | None
    """Seconds; None = the server's own, and then never sent."""


def resolve(request: WarmupRequest, *, hosts: Collection[str]) -> Target:
    """Choose the host of a request: the one it names, else the first.

    Args:
        request: a valid request.
        hosts: the configured hosts' names in their order; at least one.

    Raises:
        UnknownHost: the request names a host that is not configured.
    """
    if request.host is not None and request.host not in hosts:
        raise UnknownHost(
            f"host {request.host!r} is not configured: the hosts are {', '.join(hosts)}"
        )
    return Target(
        host=request.host or next(iter(hosts)),
        model=request.model,
        name=request.name,
        options=request.options,
        keep_alive_s=request.keep_alive_s,
    )
