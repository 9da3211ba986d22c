"""Programs of ours that run to their end: commands, and Python as an application."""

import os
import subprocess
import sys
from collections.abc import Mapping

END_S = 60.0


def command(*words: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run `ollama-warmup` with further variables; its exit code may be any."""
    return _run("-m", "worker.cli", *words, env=env)


def python(code: str, *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run code with further variables, and check that it ends well."""
    ended = _run("-c", code, *args, env=env)
    assert ended.returncode == 0, ended.stderr
    return ended


def _run(*words: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
