"""Shows how the targets are, live, until somebody has seen enough."""

import contextlib
import os
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.live import Live

from ollama_warmup.errors import BadRequest, StoreUnavailable
from worker.adapters.passstore import PassStore
from worker.cli import choosing, frames, joining, reports, seeing
from worker.cli.choosing import Choice
from worker.cli.frames import Screen
from worker.cli.reports import Reports

COMMAND = "top"
ENDED = 0
"""Exit code."""
READ_S = 1.0
"""Between two looks into Redis, seconds."""
FRAME_S = 0.5
"""Between two pictures: a terminal that has changed its size is followed by then."""
ENDS = frozenset("qQ\x03\x04")
"""Keys that end it; the last two are Ctrl-C and Ctrl-D, where no signal is made."""

Pressed = Callable[[float], frozenset[str]]
"""Waits so many seconds at most for keys."""


def run(words: Sequence[str]) -> int:
    """Show the chosen part of the reports until q or Ctrl-C.

    Returns:
        The exit code.
    """

    def body() -> int:
        if not sys.stdout.isatty():
            raise BadRequest(
                "there is no terminal to show it in: type `ollama-warmup ps`, which "
                "shows the same once"
            )
        store = reports.open_store()
        seen = reports.read(store)
        reader = Reader(store, seen, choosing.choose(words, seen.known))
        reader.start()
        with contextlib.suppress(KeyboardInterrupt):
            _watch(reader)
        return ENDED

    return joining.run(COMMAND, body)


class Reader(threading.Thread):
    """Reads the reports every second, however long Redis takes for it."""

    def __init__(self, store: PassStore, seen: Reports, choice: Choice) -> None:
        """Begin with what was read already.

        Args:
            store: to read from.
            seen: what it told just now.
            choice: what of it is shown.
        """
        super().__init__(daemon=True)
        self._store = store
        self._choice = choice
        self._read = (seen, time.monotonic())
        self._problem = ""

    def run(self) -> None:
        """Read until the process ends."""
        while True:
            time.sleep(READ_S)
            try:
                self._read = (reports.read(self._store), time.monotonic())
                self._problem = ""
            except (StoreUnavailable, joining.NoReport) as exc:
                self._problem = str(exc)

    def screen(self) -> Screen:
        """What there is to show just now."""
        seen, read_s = self._read
        now = seen.now + time.monotonic() - read_s
        chosen = seeing.choose(replace(seen, now=now), self._choice)
        return Screen(seen=chosen, problem=self._problem)


def _watch(reader: Reader) -> None:
    console = Console(highlight=False)
    live = Live(console=console, screen=True, auto_refresh=False)
    with _keyboard() as pressed, live:
        while True:
            picture = frames.frame(reader.screen(), height=console.height)
            live.update(picture, refresh=True)
            if ENDS & pressed(FRAME_S):
                return


@contextlib.contextmanager
def _keyboard() -> Iterator[Pressed]:
    """Hear single keys as long as this lasts, if there is a keyboard."""
    if not sys.stdin.isatty():
        yield _nothing
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield _pressed
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _nothing(wait_s: float) -> frozenset[str]:
    time.sleep(wait_s)
    return frozenset()


def _pressed(wait_s: float) -> frozenset[str]:
    ready, _, _ = select.select([sys.stdin], [], [], wait_s)
    if not ready:
        return frozenset()
    keys = os.read(sys.stdin.fileno(), 64)
    return frozenset(keys.decode(errors="replace")) if keys else ENDS
