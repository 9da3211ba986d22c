"""Finds the system that a command belongs to, and ends a command that has none."""

import os
import sys
from collections.abc import Callable

from ollama_warmup import settings
from ollama_warmup.errors import Permanent, StoreUnavailable, WarmupError
from worker.cli.place import Place

BROKER = "OLLAMA_WARMUP_BROKER_URL"
REFUSED, NO_BROKER, NO_REPORT = 2, 3, 4
"""Exit codes."""


class NoReport(WarmupError):
    """No pass has told anything yet."""


def join() -> str:
    """Take the variables of the `up` that runs here, unless a broker is named.

    Settings are read once in a process, at their first use; this comes before it.

    Returns:
        What to do when there is no broker.

    Raises:
        BadSettings: the environment is wrong.
    """
    namespace = settings.read().namespace
    if BROKER in os.environ:
        return f"Without {BROKER}, `ollama-warmup up` brings a broker of its own."
    for name, value in Place(namespace).environment().items():
        os.environ.setdefault(name, value)
    return "Start the system in another terminal: ollama-warmup up"


def run(command: str, body: Callable[[], int]) -> int:
    """Run a command on the system that it belongs to.

    Args:
        command: its name, for messages.
        body: the rest of it; returns the exit code.

    Returns:
        The exit code: the body's, or why it could not go on.
    """
    way_out = ""
    try:
        way_out = join()
        return body()
    except Permanent as exc:
        complain(command, str(exc))
        return REFUSED
    except StoreUnavailable as exc:
        complain(command, f"{exc}\n{way_out}")
        return NO_BROKER
    except NoReport as exc:
        complain(command, str(exc))
        return NO_REPORT


def complain(command: str, text: str) -> None:
    """Tell a person what is wrong, beside the output."""
    sys.stderr.write(f"ollama-warmup {command}: {text}\n")
