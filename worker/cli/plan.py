"""`ollama-warmup plan`: what a pass would do now, and why."""

from typing import Annotated

import typer


def plan(
    host: Annotated[
        str | None,
        typer.Argument(metavar="HOST", help="A configured host; else all of them."),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, and no advice.")
    ] = False,
) -> None:
    """Show what a pass would do now and why, and change nothing.

    Looks at the hosts itself (GET /api/ps and /api/tags, POST /api/show), reads in
    Redis what passes remember, and decides as they do. ACTION is warm (load it),
    touch (restart its timer), pull, cure (let it go to free a wedged host) or
    nothing. If passes are not enabled, it shows what they would do if they were.

    The warm list is that of its own environment, so it must have that of the workers:
    OLLAMA_HOST and OLLAMA_WARMUP_*. It takes it from the `ollama-warmup up` that runs
    here, unless OLLAMA_WARMUP_BROKER_URL is set; but never the secrets of hosts.

    \b
    Examples:
      ollama-warmup plan
      ollama-warmup plan gpu-1
      ollama-warmup plan --json | jq '.hosts[].targets[] | select(.action != null)'

    Exit codes: 0 shown · 2 refused: no such host, or a wrong variable · 3 Redis cannot
    be reached.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import planning  # noqa: PLC0415 - see above

    raise typer.Exit(planning.run(host, as_json=as_json))
