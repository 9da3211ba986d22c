"""A host's clock: seconds since its start, possibly faster than ours, and its date."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Reads the time of a simulated host."""

    def __init__(self, *, speed: float = 1.0) -> None:
        """Start at 0; `speed` simulated seconds pass in one of ours."""
        self.speed = speed
        self.skew_s = 0.0
        """How far the host's date is ahead of the true one."""
        self._started = time.monotonic()
        self._started_at = time.time()

    def now(self) -> float:
        """Simulated seconds since the start."""
        return (time.monotonic() - self._started) * self.speed

    def real_s(self, until: float) -> float:
        """Our seconds until a simulated instant; never negative."""
        return max(0.0, until - self.now()) / self.speed

    def stamp(self, instant: float | None = None) -> str:
        """An instant as Go writes it in JSON, by the host's date."""
        return self._date(instant).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def http_date(self) -> str:
        """Now, as the Date header has it."""
        return format_datetime(self._date(None).replace(microsecond=0), usegmt=True)

    def wall(self, instant: float | None = None) -> float:
        """An instant as seconds since 1970, by the host's date."""
        seconds = self.now() if instant is None else instant
        return self._started_at + self.skew_s + seconds

    def _date(self, instant: float | None) -> datetime:
        return _EPOCH + timedelta(seconds=self.wall(instant))
