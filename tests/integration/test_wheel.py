"""The wheel alone, in an environment of its own, from a folder without sources."""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "worker" / "web" / "static"
NAMES = ("worker", "tasks", "celeryconfig", "ollama_warmup")
DISTRIBUTIONS = """
from importlib.metadata import packages_distributions
for name in {names}:
    print(name, *packages_distributions()[name])
"""
TASKS = """
from worker.celery import app
app.loader.import_default_modules()
print(*sorted(name for name in app.tasks if not name.startswith("celery.")))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Where the wheel and what the lock names are installed."""

    wheel: Path
    programs: Path
    empty: Path

    def run(self, program, *args):
        done = subprocess.run(
            [self.programs / program, *args],
            cwd=self.empty,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, code):
        return self.run("python", "-c", code).splitlines()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """As the Dockerfile installs it; packages are links into uv's cache."""
    program = os.environ.get("UV") or shutil.which("uv")
    if program is None:
        pytest.skip("uv is not on this machine")
    folder = tmp_path_factory.mktemp("wheel")
    venv, locked = folder / "venv", folder / "locked.txt"

    def uv(*args):
        subprocess.run([program, "--quiet", *args], cwd=ROOT, check=True)

    uv("build", "--wheel", "--out-dir", folder)
    uv("venv", "--python", sys.executable, venv)
    uv("export", "--frozen", "--no-dev", "--no-emit-project", "--output-file", locked)
    install = ("pip", "install", "--python", venv, "--no-deps")
    uv(*install, "--requirement", locked)
    (wheel,) = folder.glob("*.whl")
    uv(*install, wheel)
    empty = folder / "empty"
    empty.mkdir()
    return Installed(wheel=wheel, programs=venv / "bin", empty=empty)


def test_the_wheel_holds_our_packages_and_nothing_else(installed):
    with zipfile.ZipFile(installed.wheel) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "worker",
        "tasks",
        "ollama_warmup",
        "celeryconfig.py",
    }


def test_the_wheel_holds_the_status_page(installed):
    page = {f"worker/web/static/{f.name}" for f in STATIC.iterdir()}

    with zipfile.ZipFile(installed.wheel) as wheel:
        shipped = {n for n in wheel.namelist() if n.startswith("worker/web/static/")}

    assert shipped == page


def test_each_package_name_comes_from_one_distribution(installed):
    lines = installed.python(DISTRIBUTIONS.format(names=NAMES))

    assert lines == [f"{name} ollama-warmup" for name in NAMES]


def test_celery_finds_the_app_and_its_settings_in_the_wheel(installed):
    report = installed.run("celery", "-A", "worker", "report")

    assert "worker_consumer: 'worker.consumer:ResilientConsumer'" in report


def test_the_tasks_of_the_wheel_have_the_names_that_applications_send(installed):
    (tasks,) = installed.python(TASKS)

    assert "ollama.warmup" in tasks.split()
    assert all(name.startswith("ollama.") for name in tasks.split())


def test_the_command_line_of_the_wheel_works(installed):
    assert "simulate" in installed.run("ollama-warmup", "--help")
