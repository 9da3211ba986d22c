"""`python -m worker` holds nothing that its processes have no use for."""

import subprocess
import sys
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from worker.__main__ import main
from worker.cli.system import QUEUES

CLI_ALONE = {"celery.bin.celery", "flower", "prompt_toolkit"}
TASKS = {"aiohttp", "tasks.warming", "worker.runtime"}


def test_beat_imports_neither_the_tasks_nor_the_tools_of_a_terminal():
    script = "import sys, worker.__main__; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True)

    unused = CLI_ALONE | TASKS
    assert all(map(find_spec, unused)), "a name of none is never loaded"
    assert unused.isdisjoint(loaded.split())


@pytest.mark.parametrize("name", QUEUES)
def test_the_worker_command_takes_the_options_by_which_up_starts_it(name):
    """With `--help` behind them they are parsed, and nothing is started."""
    shown = CliRunner().invoke(main, ["worker", *QUEUES[name], "--help"])

    assert shown.exit_code == 0
    assert "--concurrency" in shown.output
