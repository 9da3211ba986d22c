"""Downloads of weights: how far each is, and what was fetched in all. Pure."""

from dataclasses import dataclass

from worker.simulator.physics.models import Weights

DEFAULT_S = 2.0
"""How long a download takes that no model says otherwise of."""


@dataclass(slots=True)
class _Part:
    """Weights that are on the disk in part."""

    done_bytes: float = 0.0
    waiting: int = 0
    """Requests that wait for it; it goes on as long as there is one."""
    at: float = 0.0
    """When it was looked at last."""


class Downloads:
    """The downloads of one server; what is there in part stays.

    Source: `server/download.go`: requests for one blob share its download, which
    ends with the last of them; the next request goes on where it ended.
    """

    def __init__(self) -> None:
        """Nothing was fetched yet."""
        self._parts: dict[str, _Part] = {}
        self._ended_bytes = 0

    @property
    def fetched_bytes(self) -> int:
        """What came from the registry in all."""
        return self._ended_bytes + sum(
            int(part.done_bytes) for part in self._parts.values()
        )

    def join(self, weights: Weights, *, now: float) -> None:
        """One more request waits for these weights."""
        self._advance(weights, now)
        self._parts[weights.digest].waiting += 1

    def leave(self, weights: Weights, *, now: float) -> None:
        """A request waits no more."""
        if weights.digest in self._parts:
            self._advance(weights, now)
            self._parts[weights.digest].waiting -= 1

    def completed(self, weights: Weights, *, now: float) -> int:
        """How many bytes of these weights are there."""
        self._advance(weights, now)
        return int(self._parts[weights.digest].done_bytes)

    def end(self, weights: Weights) -> None:
        """The weights are there, whole; what was fetched of them is counted."""
        if self._parts.pop(weights.digest, None):
            self._ended_bytes += weights.size_bytes

    def _advance(self, weights: Weights, now: float) -> None:
        part = self._parts.setdefault(weights.digest, _Part(at=now))
        if part.waiting:
            pace = weights.size_bytes / max(weights.pull_s or DEFAULT_S, 1e-9)
            more_bytes = (now - part.at) * pace
            part.done_bytes = min(part.done_bytes + more_bytes, weights.size_bytes)
        part.at = now
