"""`ollama-warmup doctor`: looks for what is wrong."""

from typing import Annotated

import typer


def doctor(
    *,
    show_all: Annotated[
        bool, typer.Option("--all", help="Also what is right, with what shows it.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document: every finding.")
    ] = False,
) -> None:
    """Look for what is wrong, say what shows it, and what to do about it.

    Checks variables and the warm list; Redis and what waits in it; workers, beat,
    passes and clocks; whether hosts answer, have the models that are wanted, and keep
    them as they are wanted; memory, CPU, quantisation, and how fast the disk is. A
    finding is a problem (it does not work), a warning (it works worse than it could, or
    not for long), a note, or ok. docs/troubleshoot.md has each check by its name.

    It only reads, and takes less than 20 seconds even if every host hangs. Of a host on
    this machine it reads at most 256 MiB of a model's weights, past the page cache. It
    takes the warm list of its environment, that of the `ollama-warmup up` that runs
    here, or that of the last passes.

    \b
    Examples:
      ollama-warmup doctor
      ollama-warmup doctor --all
      OLLAMA_WARMUP_BROKER_URL=redis://10.0.0.2:6379/0 ollama-warmup doctor
      ollama-warmup doctor --json | jq '.findings[] | select(.severity == "problem")'

    Exit codes: 0 no problem was found · 1 one at least · 2 the command line is wrong.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import examining  # noqa: PLC0415 - see above

    raise typer.Exit(examining.run(show_all=show_all, as_json=as_json))
