"""The head of the queue: the one request that Ollama finds room for at a time."""

import enum
from dataclasses import dataclass

from worker.simulator.physics.runner import Request


class Stage(enum.Enum):
    """How far the head of the queue has come."""

    PLACING = enum.auto()
    WAITING = enum.auto()
    LOADING = enum.auto()


@dataclass(slots=True, kw_only=True)
class Head:
    """A request being placed.

    While it waits for a model to go it outlives its caller: only when the wait is
    over does its load start, and end at once.

    Source: `server/sched.go`, processPending.
    """

    request: Request
    stage: Stage = Stage.PLACING
    unloads_awaited: int = 0
    load_ends_at: float = 0.0
    runs_out_of_memory: bool = False

    def wait(self, *, unloads: int = 1) -> None:
        """Wait until so many models have gone; for none, look again at once."""
        self.unloads_awaited = unloads
        self.stage = Stage.WAITING if unloads else Stage.PLACING

    def count_unload(self) -> None:
        """One model has gone, whichever."""
        self.wait(unloads=self.unloads_awaited - 1)

    def load(self, *, ends_at: float, runs_out_of_memory: bool) -> None:
        """The load has started."""
        self.stage = Stage.LOADING
        self.load_ends_at = ends_at
        self.runs_out_of_memory = runs_out_of_memory

    def is_loading(self, request: Request) -> bool:
        """Whether the load under way belongs to this request."""
        return self.stage is Stage.LOADING and self.request is request

    def is_due(self, now: float) -> bool:
        """Whether the load has ended by now."""
        return self.stage is Stage.LOADING and self.load_ends_at <= now
