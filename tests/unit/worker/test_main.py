"""`python -m worker` holds nothing that its processes have no use for."""

import subprocess
import sys

from click.testing import CliRunner

from worker.__main__ import main

CLI_ALONE = {"celery.bin.celery", "flower", "prompt_toolkit"}
TASKS = {"aiohttp", "tasks.warming", "worker.runtime"}


def test_beat_imports_neither_the_tasks_nor_the_tools_of_a_terminal():
    script = "import sys, worker.__main__; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert (CLI_ALONE | TASKS).isdisjoint(loaded.split())


def test_its_commands_take_celerys_options():
    for command, option in (("worker", "--concurrency"), ("beat", "--schedule")):
        assert option in CliRunner().invoke(main, [command, "--help"]).output
