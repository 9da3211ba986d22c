"""What one call brings to a warm-up, and what it may get: values, all frozen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ollama_warmup.errors import WarmupError
from ollama_warmup.tally import OTHER
from ollama_warmup.target import Target
from worker.adapters.ollama import Ollama
from worker.adapters.store import Store
from worker.core.domain import Outcome

Say = Callable[[float, float | None], None]
"""Takes the seconds since a load began, and those expected (None = no history)."""


class Clock(Protocol):
    """Time as one process sees it."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a call works with."""

    ollama: Ollama
    store: Store
    clock: Clock
    say: Say
    ceiling_s: float
    """Seconds after which a load is given up."""
    announce: Callable[[str], None] = lambda _host: None
    """Told a host when a load on it has ended; must not raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One run of a task that wants a target warm."""

    target: Target
    task_id: str
    process: str
    """`node:pid`, for people."""
    patience_s: float
    """Seconds that this run may wait for its load."""
    waiting_since: float | None = None
    """When the first run of this task began to wait, by the store's clock."""
    is_gentle: bool = False
    """Whether it leaves alone what is loaded with other options."""
    sent_at: float | None = None
    """When its caller sent it, by the caller's clock: good for a word, no more."""
    counted_as: str = OTHER
    """Its model in metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Not yet: put the task back at the tail of its lane."""

    waiting_since: float
    pause_s: float = 0
    """For which nobody may load the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The load failed for everybody who waits for it; a retry is no use now."""

    error: WarmupError


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """The load that this call began failed, and a retry may help."""

    error: WarmupError
    countdown_s: float
    waiting_since: float | None
    """As of the call; None = this run did not wait."""


Answer = Outcome | Queued | Failed | TryAgain
