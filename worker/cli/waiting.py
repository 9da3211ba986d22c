"""Waits for warm-ups before a person's eyes, and says how they ended."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ollama_warmup.durations import format_short
from ollama_warmup.errors import Permanent, StoreUnavailable
from worker.cli import dispatch
from worker.cli.dispatch import Sent

WARM, FAILED, REFUSED, NO_BROKER, TIMED_OUT = range(5)
"""Exit codes."""
POLL_S = 0.1
LOST_S = 10.0
"""A broker that restarts is waited for, seconds."""
_STATES = {
    "PENDING": "queued",
    "STARTED": "waits for its turn",
    "LOADING": "loading",
    "RETRY": "will be tried again",
}
_NO_WORKER = """\
no worker answers; what was sent waits for one.
Unless one is just starting, type this in another terminal:

    ollama-warmup up
"""


def run(models: Sequence[str], *, host: str | None, timeout: str, as_json: bool) -> int:
    """Make models warm and say so.

    Returns:
        The exit code.
    """
    try:
        order = dispatch.read(models, host=host, timeout=timeout)
    except Permanent as exc:
        _complain(str(exc))
        return REFUSED
    try:
        sent = dispatch.send(order)
        with _shown(sent, is_quiet=as_json) as show:
            _wait(sent, order.timeout_s, show)
    except StoreUnavailable as exc:
        _complain(f"{exc}\n{order.way_out}")
        return NO_BROKER
    except KeyboardInterrupt:
        _complain("not waiting any longer; what was sent goes on")
        return 130
    _report(sent, order.timeout_s, as_json=as_json)
    if any(one.is_ended and not one.is_warm for one in sent):
        return FAILED
    return WARM if all(one.is_warm for one in sent) else TIMED_OUT


class _Show:
    """One bar a model; without a terminal it shows nothing."""

    def __init__(self, progress: Progress, sent: Sequence[Sent]) -> None:
        self._progress = progress
        self._bars = [
            progress.add_task(one.model, total=None, told="queued") for one in sent
        ]

    def __call__(self, sent: Sequence[Sent]) -> None:
        for bar, one in zip(self._bars, sent, strict=True):
            self._update(bar, one)

    def _update(self, bar: TaskID, one: Sent) -> None:
        if one.is_ended:
            told = "warm" if one.is_warm else "failed"
            self._progress.update(bar, total=1, completed=1, told=told)
            return
        told = _STATES.get(one.state, one.state.lower())
        expected_s = one.details.get("expected_s")
        elapsed_s = one.details.get("elapsed_s") or 0.0
        if expected_s:
            told += f", about {format_short(max(expected_s - elapsed_s, 0))} left"
        self._progress.update(bar, total=expected_s, completed=elapsed_s, told=told)


@contextmanager
def _shown(sent: Sequence[Sent], *, is_quiet: bool) -> Iterator[_Show]:
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    is_off = is_quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_off) as bars:
        yield _Show(bars, sent)


def _wait(sent: Sequence[Sent], timeout_s: float, show: _Show) -> None:
    ping = dispatch.Ping()
    ping.start()
    now_s = heard_s = time.monotonic()
    deadline = now_s + timeout_s
    while now_s < deadline and not all(one.is_ended for one in sent):
        time.sleep(POLL_S)
        now_s = time.monotonic()
        try:
            for one in sent:
                one.refresh()
            heard_s = now_s
        except StoreUnavailable:
            if now_s - heard_s > LOST_S:
                raise
        if ping.is_worker_missing and any(one.state == "PENDING" for one in sent):
            ping.is_worker_missing = False
            _complain(_NO_WORKER)
        show(sent)


def _report(sent: Sequence[Sent], timeout_s: float, *, as_json: bool) -> None:
    ends = [_end(one, timeout_s) for one in sent]
    if as_json:
        json.dump({"models": ends}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif sys.stdout.isatty():
        Console(highlight=False).print(_table(ends))
    else:
        for end in ends:
            sys.stdout.write(f"{_line(end)}\n")
    for end in ends if not as_json else ():
        if error := end.get("error"):
            _complain(f"{end['request']}: {error['message']}")


def _end(one: Sent, timeout_s: float) -> dict[str, Any]:
    if one.is_warm:
        return {"request": one.model, "result": one.details}
    if one.is_ended:
        kind, message = type(one.error).__name__, str(one.error)
    else:
        so_far = "still queued" if one.state == "PENDING" else "not warm yet"
        kind = "TimedOut"
        message = (
            f"{so_far} after {format_short(timeout_s)}; it goes on: ask again, or wait "
            "longer with --timeout"
        )
    return {"request": one.model, "error": {"type": kind, "message": message}}


def _table(ends: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("MODEL", "OUTCOME", "SECONDS", "CONTEXT", "EXPIRES"):
        table.add_column(heading, overflow="fold")
    for end in ends:
        table.add_row(*_row(end), style="red" if "error" in end else "")
    return table


def _row(end: dict[str, Any]) -> tuple[str, ...]:
    result = end.get("result")
    if result is None:
        return end["request"], end["error"]["type"], "-", "-", "-"
    return (
        end["request"],
        result["outcome"].replace("_", " "),
        f"{result['total_s']:.1f} s",
        str(result["context_length"] or "-"),
        _left(result["expires_at"]),
    )


def _line(end: dict[str, Any]) -> str:
    request, outcome, seconds, context, expires = _row(end)
    if "error" in end:
        return f"{request}: failed ({outcome})"
    return f"{request}: {outcome}, {seconds}, context {context}, expires {expires}"


def _left(expires_at: str | None) -> str:
    if expires_at is None:
        return "never"
    left = datetime.fromisoformat(expires_at) - datetime.now(UTC)
    return f"in {format_short(max(left.total_seconds(), 0))}"


def _complain(text: str) -> None:
    sys.stderr.write(f"ollama-warmup warm: {text}\n")
