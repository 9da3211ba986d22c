"""What a call of a warm-up brings, and how one run of it may end; all frozen."""

from dataclasses import dataclass

from ollama_warmup.errors import WarmupError
from ollama_warmup.tally import OTHER
from ollama_warmup.target import Target
from worker.core.domain import Outcome


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
    """Whether it leaves a model alone that is loaded with other options."""
    sent_at: float | None = None
    """When the caller sent the task, by the caller's clock. It decides only between
    the words `joined` and `already_warm`, as clocks may differ."""
    counted_as: str = OTHER
    """The model's name in metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The run has to wait: the task goes to the tail of its lane."""

    waiting_since: float
    """By the store's clock, Unix seconds."""
    pause_s: float = 0
    """Seconds for which no call may load the target; 0 = the lane is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The load failed for all calls that wait for it; a retry does not help now."""

    error: WarmupError


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """The load that this call began failed, and a retry may help."""

    error: WarmupError
    countdown_s: float
    waiting_since: float | None
    """As of the call; None = this run did not wait."""


RunResult = Outcome | Queued | Failed | TryAgain
