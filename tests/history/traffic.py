"""Applications that use models as they please, from a seed."""

import contextlib
import random
from dataclasses import dataclass

from ollama_warmup.errors import WarmupError
from tests.history.server import Options, Server
from tests.support.virtual_time import VirtualTime

HOUR_S = 3_600.0
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How an application uses a model."""

    who: str
    model: str
    options: Options
    keep_alive_s: float | None = None
    gap_s: Span = (60.0, 5_400.0)
    """Between two bursts."""
    calls: Span = (2.0, 20.0)
    """In a burst."""
    think_s: Span = (0.2, 20.0)
    """Between two calls."""
    work_s: Span = (0.5, 15.0)
    """Of a call, once it has the model."""


@dataclass(eq=False, slots=True)
class Traffic:
    """Starts applications."""

    time: VirtualTime
    server: Server
    rng: random.Random

    def use(self, habit: Habit, *, after: float = 0.0, until: float = 1e9) -> None:
        self.time.start(lambda: self._bursts(habit, until), after=after)

    def _bursts(self, habit: Habit, until: float) -> None:
        while self.time.now < until:
            for _ in range(round(self.rng.uniform(*habit.calls))):
                if self.time.now >= until:
                    return
                with contextlib.suppress(WarmupError):
                    self._call(habit)
                self.time.sleep(self.rng.uniform(*habit.think_s))
            self.time.sleep(self.rng.uniform(*habit.gap_s))

    def _call(self, habit: Habit) -> None:
        token_s = self.server.models[habit.model].weights.token_s
        tokens = 1 + round(self.rng.uniform(*habit.work_s) / token_s)
        self.server.ask(
            habit.who,
            habit.model,
            habit.options,
            tokens=tokens,
            keep_alive_s=habit.keep_alive_s,
        )
