"""`ollama-warmup unload`: lets models go."""

from typing import Annotated

import typer


def unload(
    models: Annotated[list[str], typer.Argument(metavar="MODEL…", help="llama3:8b")],
    *,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A configured host; else the one that wants the model, or the first.",
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Until they are gone.")
    ] = True,
    timeout: Annotated[
        str, typer.Option(metavar="60s", help="How long to wait for all of them.")
    ] = "60s",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, and no progress.")
    ] = False,
) -> None:
    """Let loaded models go, and pause those that are to be kept warm.

    A model that still answers somebody goes after that, and this does not wait for it.
    What the warm list wants would be loaded again by the next pass, so it is paused on
    that host until `resume`; `warm` and `warmup.delay` still load it. OUTCOME is
    unloaded, not loaded, going (after the work it has), or still loaded: somebody has
    asked for it meanwhile.

    Needs a running system: `ollama-warmup up` in another terminal, which it finds
    by itself, or OLLAMA_WARMUP_BROKER_URL.

    \b
    Examples:
      ollama-warmup unload llama3:8b
      ollama-warmup unload llama3:8b --host gpu-1
      ollama-warmup resume llama3:8b      # keep it warm again

    Exit codes: 0 all are gone, or go after their work, or with --no-wait sent · 1 one
    failed at least, or is still loaded · 2 refused, nothing was sent · 3 the broker
    cannot be reached · 4 no answer in time.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import releasing  # noqa: PLC0415 - see above
    from worker.cli.dispatch import Wish  # noqa: PLC0415 - see above

    wish = Wish(
        models=models, host=host, timeout=timeout, is_waited=wait, as_json=as_json
    )
    raise typer.Exit(releasing.run(wish))
