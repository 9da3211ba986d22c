"""What the scheduler tells its host, and what its host may do to it."""

import enum
from dataclasses import dataclass
from typing import Protocol

from worker.simulator.physics.launching import Launched
from worker.simulator.physics.models import Model


class Failure(enum.Enum):
    """Why a request was not served."""

    QUEUE_FULL = enum.auto()
    OUT_OF_MEMORY = enum.auto()
    RUNNER_STOPPED = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The request has its runner; it is not finished before Finished."""

    ticket: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The request's work has a slot: it reads its prompt, then writes tokens."""

    ticket: int
    at: float
    prompt_s: float
    token_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The request is served."""

    ticket: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The request is over and was not served."""

    ticket: int
    at: float
    failure: Failure


Event = Granted | Started | Finished | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A row of `/api/ps`."""

    model: Model
    launched: Launched
    expires_at: float
    is_busy: bool


class Mishaps(Protocol):
    """Accidents that a host arranges."""

    def out_of_memory(self, model: Model) -> bool:
        """Whether the load that starts now is to fail."""

    def slowness(self, model: Model) -> float:
        """By what factor loads and tokens take longer."""


class NoMishaps:
    """Nothing goes wrong."""

    def out_of_memory(self, _model: Model) -> bool:
        """Never."""
        return False

    def slowness(self, _model: Model) -> float:
        """Not at all."""
        return 1.0
