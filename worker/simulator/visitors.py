"""Who asked for a runner: what `/_sim/requests` tells."""

from contextvars import ContextVar
from dataclasses import dataclass

caller: ContextVar[str] = ContextVar("caller", default="")
"""The User-Agent of the request that is being answered."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request for a runner; instants are seconds of the host's clock."""

    caller: str
    model: str
    infers: bool
    """Whether it brought work; else it loads, touches, or lets the model go."""
    keep_alive_s: float | None
    """As it was asked for; None: it was not."""
    asked_at: float
    granted_at: float | None = None
    """When it had its runner; None: it waits, or never had one."""
    ended_at: float | None = None
