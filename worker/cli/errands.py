"""What `warm`, `pull` and `unload` have sent, and how each speaks of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from celery.result import AsyncResult

from ollama_warmup import publish, routes
from ollama_warmup.durations import format_short
from worker.cli import tables

Result = Mapping[str, Any]
"""What a task has returned, or tells while it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Something of a result that people see."""

    heading: str
    text: Callable[[Result], str]
    words: str = "{}"
    """How it stands in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """How far one is, for a progress bar."""

    told: str
    total: float | None = None
    """None = nobody knows."""
    completed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What one of the commands has sent."""

    command: str
    check: Callable[[str, str | None], object]
    """Raises `Permanent` for a model and a host that cannot be meant."""
    send: Callable[[str, str | None], "AsyncResult[dict[str, Any]]"]
    columns: Sequence[Column]
    not_yet: str
    """What one is that is not ended in time."""
    bars: Mapping[str, Callable[[Result], Bar]] = field(default_factory=dict)
    """By the state that has more to tell than its name."""
    complaint: Callable[[Result], str | None] = lambda _: None
    """Why a result is none that was wished for."""


def _expires(result: Result) -> str:
    if result["expires_at"] is None:
        return "never"
    left = datetime.fromisoformat(result["expires_at"]) - datetime.now(UTC)
    return f"in {format_short(max(left.total_seconds(), 0))}"


def _loading(told: Result) -> Bar:
    expected_s, elapsed_s = told.get("expected_s"), told.get("elapsed_s") or 0.0
    if not expected_s:
        return Bar(told="loading", completed=elapsed_s)
    left = format_short(max(expected_s - elapsed_s, 0))
    return Bar(
        told=f"loading, about {left} left", total=expected_s, completed=elapsed_s
    )


def _pulling(told: Result) -> Bar:
    done, whole = told.get("completed_bytes") or 0, told.get("total_bytes") or 0
    if not whole:
        return Bar(told="asks the registry")
    if done >= whole:
        return Bar(told="is being checked", total=whole, completed=done)
    parts = f"{tables.size(done)} of {tables.size(whole)}"
    return Bar(told=parts, total=whole, completed=done)


def _still_loaded(result: Result) -> str | None:
    if result["outcome"] != "still_loaded":
        return None
    return (
        f"it is still loaded on {result['host']}: somebody has asked for it meanwhile; "
        "`ollama-warmup events` may tell who"
    )


_SECONDS = Column(heading="SECONDS", text=lambda r: f"{r['total_s']:.1f} s")
_HOST = Column(heading="HOST", text=lambda r: str(r["host"]), words="on {}")

WARM = Errand(
    command="warm",
    check=publish.route,
    send=publish.warmup.delay,
    columns=(
        _SECONDS,
        Column(
            heading="CONTEXT",
            text=lambda r: str(r["context_length"] or "-"),
            words="context {}",
        ),
        Column(heading="EXPIRES", text=_expires, words="expires {}"),
    ),
    not_yet="not warm yet",
    bars={"LOADING": _loading},
)
PULL = Errand(
    command="pull",
    check=routes.pull,
    send=publish.pull.delay,
    columns=(
        _SECONDS,
        Column(heading="SIZE", text=lambda r: tables.size(r["total_bytes"])),
        _HOST,
    ),
    not_yet="not there yet",
    bars={"PULLING": _pulling},
)
UNLOAD = Errand(
    command="unload",
    check=routes.unload,
    send=publish.unload.delay,
    columns=(_HOST,),
    not_yet="not answered yet",
    complaint=_still_loaded,
)
