"""The traps of a project whose packages have everybody's names."""

import re
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("worker", "worker/__init__.py"),
        ("tasks", "tasks/__init__.py"),
        ("ollama_warmup", "ollama_warmup/__init__.py"),
        ("celeryconfig", "celeryconfig.py"),
        ("tests", "tests/__init__.py"),
    ],
)
def test_our_modules_are_ours(name, file):
    spec = find_spec(name)

    assert spec is not None
    assert spec.origin == str(ROOT / file)


@pytest.mark.parametrize("name", ["worker", "tasks", "celeryconfig", "tests"])
def test_no_other_distribution_ships_a_module_of_our_name(name):
    assert set(packages_distributions().get(name, [])) <= {"ollama-warmup"}


def test_compose_publishes_every_port_on_loopback_alone():
    published = re.findall(r'"([0-9.:]*[0-9]+:[0-9]+)"', COMPOSE)

    assert len(published) == COMPOSE.count("ports:") == 3
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize(
    "line",
    [
        "    REMAP_SIGTERM: SIGQUIT",
        "    stop_grace_period: 40s",
        '      OLLAMA_NUM_PARALLEL: "1"',
        '      OLLAMA_KEEP_ALIVE: "24h"',
        '      OLLAMA_MAX_LOADED_MODELS: "2"',
    ],
)
def test_compose_says(line):
    assert line in COMPOSE.splitlines()
