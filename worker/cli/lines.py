"""What `up` says: one line an event, with the time and the process's name."""

import re
import time
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

_LINE = re.compile(r"\[[^]]+: (?P<level>[A-Z]+)/[^]]+\] (?P<text>.+)")
"""Celery's log format."""
_TOLD = (
    *("Warming up ", "Model ", "Ollama warmup ", "Connected to "),
    "Warm list taken up: ",
)
_PYTHONS = re.compile(r"\S+:\d+: \w+Warning:")
"""A warning of Python's, about code: nothing that happened."""
_COLOURS = {"up": "bold", "worker": "cyan", "valkey": "magenta", "flower": "green"}

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
    """What a worker's log tells of warm-ups, and its warnings.

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
        elif level == "INFO" and text.startswith(_TOLD):
            yield text, ""
