"""Waits for what was sent before a person's eyes, and says how it ended."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ollama_warmup.durations import format_short
from ollama_warmup.errors import StoreUnavailable
from worker.cli import dispatch, joining, tables
from worker.cli.dispatch import Order, Sent, Wish
from worker.cli.errands import Bar, Errand

DONE, FAILED, TIMED_OUT, INTERRUPTED = 0, 1, 4, 130
"""Exit codes; those between are of `worker.cli.joining`."""
POLL_S = 0.1
LOST_S = 10.0
"""A broker that restarts is waited for, seconds."""
_STATES = {
    "PENDING": "queued",
    "STARTED": "waits for its turn",
    "RETRY": "will be tried again",
}
_NO_WORKER = """\
no worker answers; what was sent waits for one.
Unless one is just starting, type this in another terminal:

    ollama-warmup up
"""


def run(
    errand: Errand,
    wish: Wish,
    *,
    prepare: Callable[[Order], Order] = lambda order: order,
) -> int:
    """Send what is wished for, wait for it if that is wished too, and say so.

    Args:
        errand: what the command does.
        wish: what it was told.
        prepare: does what has to be done before anything is sent.

    Returns:
        The exit code.
    """

    def body() -> int:
        order = prepare(dispatch.read(errand, wish))
        for note in order.notes:
            joining.complain(errand.command, note)
        sent = dispatch.send(errand, order)
        if not wish.is_waited:
            _tell_sent(sent, as_json=wish.as_json)
            return DONE
        return _Waiting(errand, wish, order).run(sent)

    return joining.run(errand.command, body)


def _tell_sent(sent: Sequence[Sent], *, as_json: bool) -> None:
    if as_json:
        rows = [{"request": one.model, "task_id": one.pending.id} for one in sent]
        tables.document({"models": rows})
        return
    for one in sent:
        sys.stdout.write(f"{one.model}: sent, task {one.pending.id}\n")


class _Show:
    """One bar a model; without a terminal it shows nothing."""

    def __init__(
        self, progress: Progress, errand: Errand, sent: Sequence[Sent]
    ) -> None:
        self._progress = progress
        self._errand = errand
        self._bars = [
            progress.add_task(one.model, total=None, told="queued") for one in sent
        ]

    def __call__(self, sent: Sequence[Sent]) -> None:
        for bar, one in zip(self._bars, sent, strict=True):
            self._update(bar, one)

    def _update(self, task: TaskID, one: Sent) -> None:
        bar = self._bar(one)
        self._progress.update(
            task, total=bar.total, completed=bar.completed, told=bar.told
        )

    def _bar(self, one: Sent) -> Bar:
        if one.is_done:
            outcome = str(one.details["outcome"]).replace("_", " ")
            return Bar(told=outcome, total=1, completed=1)
        if one.is_ended:
            return Bar(told="failed", total=1, completed=1)
        if bar := self._errand.bars.get(one.state):
            return bar(one.details)
        return Bar(told=_STATES.get(one.state, one.state.lower()))


class _Waiting:
    """Waits for what one command has sent."""

    def __init__(self, errand: Errand, wish: Wish, order: Order) -> None:
        self._errand = errand
        self._as_json = wish.as_json
        self._timeout_s = order.timeout_s

    def run(self, sent: Sequence[Sent]) -> int:
        try:
            with self._shown(sent) as show:
                self._wait(sent, show)
        except KeyboardInterrupt:
            self._complain("not waiting any longer; what was sent goes on")
            return INTERRUPTED
        self._report(sent)
        if any(self._is_failed(one) for one in sent):
            return FAILED
        return DONE if all(one.is_ended for one in sent) else TIMED_OUT

    def _is_failed(self, one: Sent) -> bool:
        if one.is_done:
            return self._errand.complaint(one.details) is not None
        return one.is_ended

    @contextmanager
    def _shown(self, sent: Sequence[Sent]) -> Iterator[_Show]:
        console = Console(stderr=True, highlight=False)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[told]}"),
        )
        is_off = self._as_json or not console.is_terminal
        with Progress(
            *columns, console=console, transient=True, disable=is_off
        ) as bars:
            yield _Show(bars, self._errand, sent)

    def _wait(self, sent: Sequence[Sent], show: _Show) -> None:
        ping = dispatch.Ping()
        ping.start()
        now_s = heard_s = time.monotonic()
        deadline = now_s + self._timeout_s
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
                self._complain(_NO_WORKER)
            show(sent)

    def _report(self, sent: Sequence[Sent]) -> None:
        ends = [self._end(one) for one in sent]
        if self._as_json:
            tables.document({"models": ends})
            return
        if sys.stdout.isatty():
            Console(highlight=False).print(self._table(ends))
        else:
            for end in ends:
                sys.stdout.write(f"{self._line(end)}\n")
        for end in ends:
            told = end["error"]["message"] if "error" in end else None
            told = told or self._errand.complaint(end["result"])
            if told:
                self._complain(f"{end['request']}: {told}")

    def _end(self, one: Sent) -> dict[str, Any]:
        if one.is_done:
            return {"request": one.model, "result": one.details}
        if one.is_ended:
            kind, message = type(one.error).__name__, str(one.error)
        else:
            is_queued = one.state == "PENDING"
            so_far = "still queued" if is_queued else self._errand.not_yet
            kind = "TimedOut"
            message = (
                f"{so_far} after {format_short(self._timeout_s)}; it goes on: ask "
                "again, or wait longer with --timeout"
            )
        return {"request": one.model, "error": {"type": kind, "message": message}}

    def _table(self, ends: Sequence[dict[str, Any]]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        columns = (column.heading for column in self._errand.columns)
        for heading in ("MODEL", "OUTCOME", *columns):
            table.add_column(heading, overflow="fold")
        for end in ends:
            table.add_row(
                end["request"], *self._cells(end), style="red" if "error" in end else ""
            )
        return table

    def _cells(self, end: dict[str, Any]) -> tuple[str, ...]:
        columns = self._errand.columns
        if "error" in end:
            return end["error"]["type"], *("-",) * len(columns)
        result = end["result"]
        told = (column.text(result) for column in columns)
        return result["outcome"].replace("_", " "), *told

    def _line(self, end: dict[str, Any]) -> str:
        outcome, *told = self._cells(end)
        if "error" in end:
            return f"{end['request']}: failed ({outcome})"
        columns = zip(self._errand.columns, told, strict=True)
        words = (column.words.format(text) for column, text in columns)
        return f"{end['request']}: {', '.join((outcome, *words))}"

    def _complain(self, text: str) -> None:
        joining.complain(self._errand.command, text)
