"""What passes saw, said and sent, kept for the checks."""

from dataclasses import dataclass

from ollama_warmup.report import Condition


@dataclass(frozen=True, slots=True)
class Said:
    """What a pass said of a target, when that was new."""

    at: float
    condition: Condition
    is_ready: bool
    why: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A touch that a pass decided on."""

    at: float
    key: str
    left_s: float


@dataclass(frozen=True, slots=True)
class Look:
    """A view that a pass had."""

    at: float
    left_s: dict[str, float]
    """Of every resident, by its name."""
