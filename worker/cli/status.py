"""`ollama-warmup status`: the whole system on one screen."""

from typing import Annotated

import typer


def status(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, and no advice.")
    ] = False,
) -> None:
    """Show on one screen whether the models are ready, and who sees to it.

    READY is what a health route answers: the critical targets, or all if none is
    marked critical, are loaded as wanted. Below it stand hosts, targets by their
    condition, passes, the workers and beat that answer within a second, what waits in
    the queues, the broker, and what is paused. `ps` shows target by target, `doctor`
    looks for what is wrong.

    It asks Redis and, through it, the workers; no host. It finds the `ollama-warmup up`
    that runs here by itself; else set OLLAMA_WARMUP_BROKER_URL.

    \b
    Examples:
      ollama-warmup status
      ollama-warmup status > /dev/null && echo ready
      ollama-warmup status --json | jq '.targets.conditions'

    Exit codes: 0 ready · 1 not ready · 2 refused: a wrong variable · 3 Redis cannot be
    reached · 4 no pass has reported, or not for 3 ticks.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import overview  # noqa: PLC0415 - see above

    raise typer.Exit(overview.run(as_json=as_json))
