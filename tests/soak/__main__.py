"""Run a soak: `python -m tests.soak [--minutes 30] [--seed 1] [--memory]`."""

import itertools
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests import conftest
from tests.soak import report, schedule
from tests.soak.rounds import Soak
from tests.soak.stage import stage

console = Console(highlight=False, width=150, soft_wrap=True)
SHOWN = 12


def main(
    *,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 30,
    seed: Annotated[int, typer.Option(help="Of traffic and faults.")] = 1,
    memory: Annotated[
        bool, typer.Option("--memory", help="Growth beyond 5 % is a failure.")
    ] = False,
    logs: Annotated[Path, typer.Option(help="Kept if something fails.")] = Path(
        "soak-logs"
    ),
) -> None:
    """Strike, heal, and judge what the servers have recorded."""
    conftest.pytest_configure()  # no variable of this terminal's hurts anything
    console.print(f"seed {seed}, {minutes:g} min; its first rounds:")
    for one in itertools.islice(schedule.rounds(seed), SHOWN):
        console.print(str(one), style="dim")
    folder, is_good = Path(tempfile.mkdtemp(prefix="soak-")), False
    try:
        is_good = _soak(folder, minutes * 60, seed, judges_memory=memory)
    finally:
        kept = logs / f"seed-{seed}"
        shutil.rmtree(kept, ignore_errors=True)
        if not is_good:
            shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("data"))
            console.print(f"logs: {kept}")
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(not is_good)


def _soak(folder: Path, seconds: float, seed: int, *, judges_memory: bool) -> bool:
    """Run it; whether all holds."""
    with stage(folder) as scene:
        scene.start()
        soak = Soak(stage=scene, tell=lambda line: print(line, flush=True))
        for one in schedule.rounds(seed):
            if time.time() - soak.begin >= seconds:
                break
            soak.run(one)
        scene.wait(schedule.KEEP_ALIVE_S)
        past = soak.past()
    found = report.judged(past)
    report.show(found, past, console)
    report.show_memory(scene.memory, past, console)
    grown = list(scene.memory.too_much(past.troubles)) if judges_memory else []
    missing = [f"there was never {what}" for what in report.missing(past)]
    for words in (*missing, *grown):
        console.print(words, style="red")
    return not (missing or grown or any(found.values()))


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    cli.command()(main)
    cli()
