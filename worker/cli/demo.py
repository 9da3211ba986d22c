"""`ollama-warmup demo`: measures the first answer cold, warms, measures again."""

from typing import Annotated

import typer


def demo(
    *,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            envvar="MODEL",
            help="Show it on the real Ollama at OLLAMA_HOST with this model of it, "
            "such as llama3:8b, instead of on a simulated one.",
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            envvar="YES",
            help="Go on beside other loaded models, which may have to make room.",
        ),
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", envvar="KEEP", help="Leave everything running until Ctrl-C."
        ),
    ] = False,
) -> None:
    """Show in a minute what a warm-up is worth.

    Starts an embedded Valkey, a Celery worker and Flower, and, without --model, a
    simulated Ollama. Measures the seconds to a cold model's first token, warms it
    by 20 `warmup.delay(MODEL)` at once, counts the loads, measures again, and ends
    everything it started.

    On a real Ollama it unloads nothing: a model that is loaded already, or others
    beside it without --yes, end it with exit code 2. The warm-up's own seconds are
    the cold figure there.

    \b
    Examples:
      ollama-warmup demo
      ollama-warmup demo --keep           # and look at Flower
      ollama-warmup demo --model llama3:8b

    Exit codes: 0 seen what it claims · 1 not seen, or something failed · 2 models
    are loaded already.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import stage  # noqa: PLC0415 - see above

    raise typer.Exit(stage.run(model, yes=yes, keep=keep))
