"""A target: one model wanted on one host, and which one a request means.

Resolution is pure; publisher and worker both run it, the worker's verdict counts.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from ollama_warmup import durations
from ollama_warmup.errors import UnknownHost
from ollama_warmup.names import Name
from ollama_warmup.request import RunnerOptions, WarmupRequest
from ollama_warmup.tally import OTHER

Sample = str | tuple[tuple[str, str], ...]
"""A prompt, or messages as (role, content)."""


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
    """Seconds; None = the server's own, and then never sent. `math.inf` = for ever."""
    priority: int = 0
    """The higher one is warmed first; among equals the one that stands first."""
    critical: bool = False
    """Whether readiness waits for it; if none is critical, it waits for all."""
    sample: Sample | None = field(default=None, repr=False)
    """What to warm with; None = a short prompt. Never logged, published or stored."""
    pull: bool = False
    """Whether to pull it when the host lacks it."""
    key: str = field(init=False, repr=False, compare=False)
    """Model and runner options as text: equal keys of a host share one load."""
    wanted: str = field(init=False, repr=False, compare=False)
    """The request that means it, as text: its options in alphabetical order.

    `request.parse` reads the same model, options and keep-alive from it.
    """

    def __post_init__(self) -> None:
        """Make both texts once: each pass reads them for each target."""
        object.__setattr__(self, "key", _key(self.name, self.options))
        object.__setattr__(self, "wanted", _wanted(self))

    @classmethod
    def of(cls, request: WarmupRequest, *, host: str) -> Self:
        """The target that a request asks for on a host."""
        return cls(
            host=host,
            model=request.model,
            name=request.name,
            options=request.options,
            keep_alive_s=request.keep_alive_s,
        )


def _wanted(target: Target) -> str:
    given = {k: str(v).lower() for k, v in target.options.given().items()}
    if target.keep_alive_s == math.inf:
        given |= {"keep_alive": "-1", "keep_alive_forever": "true"}
    elif target.keep_alive_s is not None:
        given["keep_alive"] = durations.format_exact(target.keep_alive_s)
    query = "&".join(f"{k}={v}" for k, v in sorted(given.items()))
    return f"{target.model}?{query}" if query else target.model


def _key(name: Name, options: RunnerOptions) -> str:
    given = ",".join(f"{k}={v}" for k, v in sorted(options.given().items()))
    return f"{name.normal}?{given}" if given else name.normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The target that a request means, beside what is declared."""

    target: Target
    declared: Target | None
    """The warm list's target for this model on this host, if there is one."""

    @property
    def counted_as(self) -> str:
        """Its model in metrics: as declared, so that callers make up no series."""
        return self.declared.model if self.declared else OTHER

    @property
    def differs(self) -> bool:
        """Whether the request asks for other options than are declared."""
        return self.declared is not None and (
            (self.declared.options, self.declared.keep_alive_s)
            != (self.target.options, self.target.keep_alive_s)
        )


def resolve(
    request: WarmupRequest, *, hosts: Collection[str], wanted: Sequence[Target] = ()
) -> Resolved:
    """Find out which target a request means.

    (1) The host it names; else the first that wants this model; else the first.
    (2) A bare name takes the declared options and keep-alive; any `?…` replaces
        both wholly.
    (3) What else is declared for this model there holds for every request: sample,
        priority, critical, pull.

    Args:
        request: a valid request.
        hosts: the configured hosts' names in their order; at least one.
        wanted: the targets of the warm list, in its order.

    Raises:
        UnknownHost: the request names a host that is not configured.
    """
    if request.host is not None and request.host not in hosts:
        raise UnknownHost.among(request.host, hosts)
    same = [t for t in wanted if t.name.normal == request.name.normal]
    host = request.host or (same[0].host if same else next(iter(hosts)))  # (1)
    declared = next((t for t in same if t.host == host), None)
    asked = Target.of(request, host=host)
    if declared is not None:
        says = declared if request.is_bare else asked  # (2)
        asked = replace(  # (3)
            declared,
            model=asked.model,
            name=asked.name,
            options=says.options,
            keep_alive_s=says.keep_alive_s,
        )
    return Resolved(target=asked, declared=declared)
