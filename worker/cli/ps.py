"""`ollama-warmup ps`: how the targets are."""

from typing import Annotated

import typer


def ps(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HOST|MODEL", help="Only these hosts, and of them these models."
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, and no advice.")
    ] = False,
) -> None:
    """Show what is wanted and what is loaded, as the last passes saw it.

    UNTIL and CONTEXT are those of `ollama ps`. CONDITION is one of: cold, queued,
    loading, warm, drifted (loaded otherwise than wanted, and left so), contested
    (somebody else takes its room), failing, unfit (does not fit beside a model that
    is wanted more), unknown (its host gave no answer), asleep (paused). A model that
    is loaded and not wanted has none.

    It asks Redis alone, no host. It finds the `ollama-warmup up` that runs here by
    itself; else set OLLAMA_WARMUP_BROKER_URL.

    \b
    Examples:
      ollama-warmup ps
      ollama-warmup ps gpu-1 llama3:8b
      ollama-warmup ps && echo everything is ready
      ollama-warmup ps --json | jq '.hosts[].targets[] | select(.is_ready | not)'

    Exit codes: 0 all targets that are shown are ready · 1 one is not, at least ·
    2 refused: no such host or model, or a wrong variable · 3 Redis cannot be reached ·
    4 no report, or one that is too old.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import seeing  # noqa: PLC0415 - see above

    raise typer.Exit(seeing.run(names or [], as_json=as_json))
