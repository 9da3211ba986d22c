"""The traps of a project whose packages have everybody's names."""

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
def test_a_module_of_our_name_is_imported_from_this_repository(name, file):
    spec = find_spec(name)

    assert spec is not None
    assert spec.origin == str(ROOT / file)


@pytest.mark.parametrize("name", ["worker", "tasks", "celeryconfig", "tests"])
def test_no_other_distribution_ships_a_module_of_our_name(name):
    assert set(packages_distributions().get(name, [])) <= {"ollama-warmup"}
