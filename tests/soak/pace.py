"""Whether the machine gives this system any time at all."""

import threading
import time
from dataclasses import dataclass, field

EACH_S = 0.25
LATE_S = 0.75
"""A piece of work that takes milliseconds and is so late is no fault of the system."""
WORK = range(200_000)
GAP_S = 3.0
"""What is nearer to one another is one span."""


@dataclass(slots=True)
class Pace:
    """Does a little work again and again, and notes when it had to wait for long."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    """When it had to wait, from and to."""
    _is_over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        self._is_over.set()

    def note(self, begin: float, end: float) -> None:
        """A piece of work was begun, and is done."""
        if end - begin < EACH_S + LATE_S:
            return
        if self.spans and begin - self.spans[-1][1] < GAP_S:
            begin = self.spans.pop()[0]
        self.spans.append((begin, end))

    def _run(self) -> None:
        begin = time.time()
        while not self._is_over.wait(EACH_S):
            sum(WORK)
            end = time.time()
            self.note(begin, end)
            begin = end
