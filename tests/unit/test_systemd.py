"""The units of deploy/systemd, by their text and as systemd reads them."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import celeryconfig
from tests.support.compose import OURS, PRODUCTION, services

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
PROGRAMS = "/opt/ollama-warmup/bin/"


def said(name, key):
    """What a unit says under a key, `%%` read as systemd reads it."""
    lines = (UNITS / f"ollama-warmup-{name}.service").read_text().splitlines()
    [value] = [x.removeprefix(f"{key}=") for x in lines if x.startswith(f"{key}=")]
    return value.replace("%%", "%")


@pytest.mark.parametrize("name", OURS)
def test_a_systemd_unit_runs_the_command_of_its_compose_service(name):
    started = shlex.split(said(name, "ExecStart"))

    composed = services(PRODUCTION)[name]["command"]
    assert [word.replace("127.0.0.1", "0.0.0.0") for word in started] == [
        f"{PROGRAMS}{composed[0]}",
        *composed[1:],
    ]


@pytest.mark.parametrize("name", ["worker", "control", "pull"])
def test_a_worker_may_end_its_soft_shutdown(name):
    soft_s = celeryconfig.worker_soft_shutdown_timeout
    assert int(said(name, "TimeoutStopSec")) >= soft_s + 10
    assert said(name, "Environment") == "REMAP_SIGTERM=SIGQUIT"


def test_systemd_finds_no_fault_in_the_units(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not on this machine")
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    for file in tmp_path.glob("*.service"):
        here = f"{Path(sys.executable).parent}/"
        file.write_text(file.read_text().replace(PROGRAMS, here))

    done = subprocess.run(
        [analyze, "verify", *sorted(tmp_path.glob("*.*e*t"))],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not done.stderr
