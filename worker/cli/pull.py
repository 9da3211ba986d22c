"""`ollama-warmup pull`: downloads models onto a host."""

from typing import Annotated

import typer


def pull(
    models: Annotated[list[str], typer.Argument(metavar="MODEL…", help="llama3:8b")],
    *,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A configured host; else the first that wants the model, or the "
            "first.",
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Until they are there.")
    ] = True,
    timeout: Annotated[
        str, typer.Option(metavar="24h", help="How long to wait for all of them.")
    ] = "24h",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, and no progress.")
    ] = False,
) -> None:
    """Download models that a host does not have, and wait until they are there.

    The host does it, and keeps what has come: a pull that breaks off goes on from
    there, also when this command is not waiting any longer. One model is pulled at a
    time on a host. What is there already is left as it is, also if its registry has a
    newer one; `ollama pull` on the host asks for that.

    Needs a running system: `ollama-warmup up` in another terminal, which it finds
    by itself, or OLLAMA_WARMUP_BROKER_URL.

    \b
    Examples:
      ollama-warmup pull llama3:8b
      ollama-warmup pull llama3:8b nomic-embed-text --host gpu-1
      ollama-warmup pull llama3:70b --no-wait
      ollama-warmup pull llama3:8b && ollama-warmup warm llama3:8b
      ollama-warmup pull llama3:8b --json | jq '.models[0].result.total_bytes'

    Exit codes: 0 all are there, or with --no-wait sent · 1 one failed at least ·
    2 refused, nothing was sent · 3 the broker cannot be reached · 4 not there in time,
    the pull goes on.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import errands, waiting  # noqa: PLC0415 - see above
    from worker.cli.dispatch import Wish  # noqa: PLC0415 - see above

    wish = Wish(
        models=models, host=host, timeout=timeout, is_waited=wait, as_json=as_json
    )
    raise typer.Exit(waiting.run(errands.PULL, wish))
