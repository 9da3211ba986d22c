"""`ollama-warmup pause`: lets passes leave models alone."""

from typing import Annotated

import typer


def pause(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="HOST|MODEL",
            help="A host's name, or else a model's; without it everything is paused.",
        ),
    ] = None,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also a model that nobody wants, or not yet."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document: what is paused.")
    ] = False,
) -> None:
    """Pause a host, a model on all hosts, or everything, until `resume`.

    Passes send nothing for what is paused: it is neither loaded nor held, and goes
    when its time is up. `ollama-warmup warm` and `warmup.delay` still load it. Nothing
    is unloaded. It lasts beyond a restart of the workers.

    \b
    Examples:
      ollama-warmup pause llama3:8b
      ollama-warmup pause gpu-1           # before its maintenance
      ollama-warmup pause                 # everything

    Exit codes: 0 it is paused · 2 refused: no such host or model, or a wrong variable ·
    3 Redis cannot be reached.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import pausing  # noqa: PLC0415 - see above

    raise typer.Exit(pausing.pause(name, is_forced=force, as_json=as_json))
