"""Every benchmark that needs no real Ollama: `python -m bench`, or `make bench`.

Writes bench/results/<name>.json, each when its benchmark has ended well. What counts
milliseconds, memory or CPU runs alone; `recovery` and `windows`, which mostly wait,
run side by side.
"""

import subprocess
import sys
import time
from pathlib import Path

from bench import report

RESULTS = Path(__file__).with_name("results")
STEPS: tuple[dict[str, tuple[str, ...]], ...] = (
    {"dispatch": ()},
    {"passes": ()},
    {"concurrent": ()},
    {"idle": ()},
    {"recovery": ("--tick-s", "3"), "windows": ()},
)
"""One after the other; of each, the benchmarks that run at once, with their options."""


def _start(name: str, told: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", f"bench.{name}", "--json", *told]
    return subprocess.Popen(argv, stdout=subprocess.PIPE)  # noqa: S603 - ourselves


def main() -> None:
    """Run all, and say at the end which failed."""
    began, failed = time.monotonic(), []
    RESULTS.mkdir(exist_ok=True)
    for step in STEPS:
        report.progress(f"{time.monotonic() - began:.0f} s: {', '.join(step)}")
        for name, running in [(n, _start(n, told)) for n, told in step.items()]:
            raw, _ = running.communicate()
            if running.returncode:
                failed.append(name)
                continue
            (RESULTS / f"{name}.json").write_bytes(raw)
    report.progress(f"{time.monotonic() - began:.0f} s in all")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; their results are those of before")


if __name__ == "__main__":
    main()
