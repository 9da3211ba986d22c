"""When a process that died starts again: a pure rule."""

from dataclasses import dataclass, field

FIRST_S = 1.0
LONGEST_S = 30.0
STEADY_S = 60.0
"""Who ran this long died of something new, seconds."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """The pause before each start: 1 s, doubling to 30 s, anew after a steady run."""

    _pauses_s: dict[str, float] = field(default_factory=dict)

    def pause_s(self, name: str, *, age_s: float) -> float:
        """Seconds to wait before starting a process again.

        Args:
            name: of the process that died now.
            age_s: how long it ran, seconds.
        """
        before_s = 0.0 if age_s >= STEADY_S else self._pauses_s.get(name, 0.0)
        self._pauses_s[name] = min(2 * before_s, LONGEST_S) or FIRST_S
        return self._pauses_s[name]
