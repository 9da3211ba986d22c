"""What `up` says: one line an event, with the time and the process's name."""

import re
import time
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from worker.core.passes import Kind

_LINE = re.compile(r"\[[^]]+: (?P<level>[A-Z]+)/[^]]+\] (?P<text>.+)")
"""Celery's log format."""
_TOLD = (
    *("Warming up ", "Model ", "Ollama warmup ", "Pulling ", "Connected to "),
    "Warm list taken up: ",
)
_KINDS = "|".join(kind.value.replace("_", " ") for kind in Kind)
_EVENT = re.compile(rf"\S+ on [a-z0-9-]+ (?:is [a-z]+|{_KINDS})\b")
"""What `worker.core.telling.sentence` makes."""
_ON_ITS_WAY = re.compile(
    r"\S+ on \S+ is (?:queued|loading)(?! \(was (?:warm|drifted)\))"
)
"""An event that the worker's own lines tell better."""
_PYTHONS = re.compile(r"\S+:\d+: \w+Warning:")
"""A warning of Python's, about code: nothing that happened."""
_COLOURS = {
    "up": "bold",
    "worker": "cyan",
    "control": "blue",
    "pull": "yellow",
    "beat": "bright_black",
    "valkey": "magenta",
    "flower": "green",
    "web": "bright_cyan",
}
ECHO_S = 60.0
"""The same line of another process within this is an echo, seconds."""

console = Console(highlight=False, soft_wrap=True)


def say(name: str, text: str, *, style: str = "") -> None:
    """Print an event; further lines of the text are indented.

    Args:
        name: of the process that it is about.
        text: at least one line.
        style: of the text, in rich's words.
    """
    head, *rest = text.splitlines()
    line = Text.assemble(
        (time.strftime("%H:%M:%S "), "dim"),
        (f"{name:<8}", _COLOURS.get(name, "")),
        (head, style),
    )
    console.print(line)
    for other in rest:
        console.print(Text(f"{'':17}{other}", style=style))


def over_ctrl_c() -> None:
    """Let the next line overwrite the `^C` that a terminal shows."""
    if console.is_terminal:
        console.file.write("\r")


def events(lines: list[str]) -> Iterator[tuple[str, str]]:
    """What a worker's log tells of warm-ups and of passes, and its warnings.

    Args:
        lines: of the log.

    Yields:
        A text, and its style.
    """
    for line in lines:
        match = _LINE.match(line)
        if match is None or _PYTHONS.match(match["text"]):
            continue
        level, text = match["level"], match["text"]
        if text.startswith("Initiating Soft Shutdown"):
            yield "waits up to 20 s for the warm-ups that it is at", "yellow"
        elif level in {"WARNING", "ERROR", "CRITICAL"}:
            yield text, "yellow" if level == "WARNING" else "red"
        elif level == "INFO" and _is_told(text):
            yield text, ""


def _is_told(text: str) -> bool:
    is_event = _EVENT.match(text) and not _ON_ITS_WAY.match(text)
    return text.startswith(_TOLD) or bool(is_event)


class Echoes:
    """Knows who said a line first: three workers have some of the same."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[str, float]] = {}
        self._known: set[str] = set()

    def note(self, texts: Iterable[str]) -> None:
        """Whoever says one of these from now on, and whenever, is an echo."""
        self._known |= set(texts)

    def is_echo(self, name: str, text: str, *, now_s: float) -> bool:
        """Whether another process has just said this.

        Args:
            name: of the process that says it.
            text: what it says.
            now_s: by a clock that never goes back.
        """
        self._first = {t: f for t, f in self._first.items() if now_s - f[1] < ECHO_S}
        first, _ = self._first.setdefault(text, (name, now_s))
        return first != name or text in self._known
