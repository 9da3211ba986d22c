"""Reads what the servers record, and keeps it beyond their deaths."""

import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx

from tests.soak.past import DIED, Asked, Life, Stay

APPLICATION = "application"
"""The User-Agent of applications' own requests; all others are ours."""
ASK_S = 1.0


@dataclass(slots=True)
class _Run:
    """One run of a server, as far as it was read."""

    life: Life
    stays: dict[object, Stay] = field(default_factory=dict)
    asked: dict[object, Asked] = field(default_factory=dict)


@dataclass(slots=True)
class Recorder:
    """Remembers every run of every server."""

    _runs: dict[tuple[str, int], _Run] = field(default_factory=dict)
    _client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=ASK_S, trust_env=False)
    )

    def read(self, host: str, url: str, pid: int) -> bool:
        """Read what is new.

        Returns:
            Whether the server answered; one that is hurt may not.
        """
        try:
            told = {
                name: self._client.get(f"{url}/_sim/{name}").json()
                for name in ("stats", "history", "requests")
            }
        except (httpx.HTTPError, ValueError):
            return False
        now = time.time()
        first = Life(host=host, begin=now, end=now, views=0)
        run = self._runs.setdefault((host, pid), _Run(first))
        views = told["stats"]["requests"].get("/api/ps", 0)
        run.life = replace(run.life, end=now, views=views)
        for row in told["history"]["history"]:
            run.stays[row["name"], row["loaded_at"]] = _stay(host, row)
        for row in told["requests"]["requests"]:
            key = (row["model"], row["asked_at"], row["caller"])
            run.asked[key] = _asked(host, row)
        return True

    def resident(self, host: str, pid: int) -> set[str]:
        """By the last answer of this run."""
        run = self._runs.get((host, pid))
        return {s.model for s in run.stays.values() if s.why is None} if run else set()

    def views(self, host: str, pid: int) -> int:
        run = self._runs.get((host, pid))
        return run.life.views if run else 0

    def lives(self) -> tuple[Life, ...]:
        return tuple(run.life for run in self._runs.values())

    def stays(self, *, running: set[int]) -> tuple[Stay, ...]:
        """All of them; those of dead servers ended with them."""
        return tuple(
            _ended(stay, run.life) if pid not in running else stay
            for (_, pid), run in self._runs.items()
            for stay in run.stays.values()
        )

    def asked(self, *, running: set[int]) -> tuple[Asked, ...]:
        return tuple(
            _lost(asked, run.life) if pid not in running else asked
            for (_, pid), run in self._runs.items()
            for asked in run.asked.values()
        )


def _stay(host: str, row: dict[str, Any]) -> Stay:
    return Stay(
        host=host,
        model=_short(row["name"]),
        begin=_instant(row["loaded_at"]),
        end=_instant(row["ended_at"]),
        why=row["why"],
        context=row["context_length"],
        evicted_for=_short(row["evicted_for"] or ""),
    )


def _asked(host: str, row: dict[str, Any]) -> Asked:
    granted = row["granted_at"]
    return Asked(
        host=host,
        model=_short(row["model"]),
        is_ours=row["caller"] != APPLICATION,
        infers=row["infers"],
        keep_alive_s=row["keep_alive_s"],
        at=_instant(row["asked_at"]),
        granted=None if granted is None else _instant(granted),
        end=_instant(row["ended_at"]),
    )


def _short(name: str) -> str:
    return name.removesuffix(":latest")


def _instant(text: str | None) -> float:
    return float("inf") if text is None else datetime.fromisoformat(text).timestamp()


def _ended(stay: Stay, life: Life) -> Stay:
    return stay if stay.why else replace(stay, end=life.end, why=DIED)


def _lost(asked: Asked, life: Life) -> Asked:
    if asked.end < float("inf"):
        return asked
    return replace(asked, end=life.end, is_lost=True)
