"""`ollama-warmup resume`: takes back what `pause` did."""

from typing import Annotated

import typer


def resume(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="HOST|MODEL",
            help="What was paused by this name; without it everything goes on.",
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document: what is paused still.")
    ] = False,
) -> None:
    """Let passes keep a host, a model or everything warm again.

    With a name it takes back just `pause NAME`, and for a model also what `unload` has
    paused; without one all that is paused. A pass begins at once.

    \b
    Examples:
      ollama-warmup resume llama3:8b
      ollama-warmup resume                # everything that is paused

    Exit codes: 0 it is not paused any more · 1 it is, because everything is · 2
    refused: no such host or model, or a wrong variable · 3 Redis cannot be reached.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import pausing  # noqa: PLC0415 - see above

    raise typer.Exit(pausing.resume(name, as_json=as_json))
