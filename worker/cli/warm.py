"""`ollama-warmup warm`: makes models warm, and waits for it."""

from typing import Annotated

import typer


def warm(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL…", help="llama3:8b, or llama3:8b?num_ctx=8192"),
    ],
    *,
    host: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A configured host; else the usual one."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Until they are warm.")
    ] = True,
    timeout: Annotated[
        str, typer.Option(metavar="330s", help="How long to wait for all of them.")
    ] = "330s",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, and no progress.")
    ] = False,
) -> None:
    """Make models warm, and wait until they are.

    Needs a running system: `ollama-warmup up` in another terminal, which it finds
    by itself, or OLLAMA_WARMUP_BROKER_URL. A load goes on when this ends first.

    \b
    Examples:
      ollama-warmup warm llama3:8b
      ollama-warmup warm 'llama3:8b?num_ctx=8192&keep_alive=30m' nomic-embed-text
      ollama-warmup warm llama3:8b --host gpu-1 --timeout 10m
      ollama-warmup warm llama3:8b --no-wait
      ollama-warmup warm llama3:8b --json | jq '.models[0].result.load_s'

    Exit codes: 0 all are warm, or with --no-wait sent · 1 one failed at least ·
    2 refused, nothing was sent · 3 the broker cannot be reached · 4 not warm in time,
    the load goes on.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import errands, waiting  # noqa: PLC0415 - see above
    from worker.cli.dispatch import Wish  # noqa: PLC0415 - see above

    wish = Wish(
        models=models, host=host, timeout=timeout, is_waited=wait, as_json=as_json
    )
    raise typer.Exit(waiting.run(errands.WARM, wish))
