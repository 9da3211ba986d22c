"""Prepares the process of a benchmark, before it measures."""

import compileall
import os
import sysconfig
from pathlib import Path

from tests.support.system import RunningSystem

PATIENCE_S = 180.0
"""For whatever is waited for."""


def join(system: RunningSystem) -> None:
    """Make this process and its children applications of a system.

    The hosts are declared by name, so that a publisher knows their lanes. Call it
    before anything reads the settings.
    """
    os.environ.pop("OLLAMA_HOST", None)
    system.declare_hosts()
    os.environ["OLLAMA_WARMUP_MODELS"] = ""
    os.environ |= system.environment


def compile_all() -> None:
    """Have bytecode of all that is imported, as the image and any second start have.

    What a process compiles itself takes memory that it never gives back.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    root = Path(__file__).parents[1]
    ours = (str(root / name) for name in ("worker", "tasks", "ollama_warmup"))
    for folder in (sysconfig.get_path("purelib"), *ours):
        compileall.compile_dir(folder, quiet=2)
