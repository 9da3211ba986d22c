"""`ollama-warmup top`: how the targets are, live."""

from typing import Annotated

import typer


def top(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HOST|MODEL", help="Only these hosts, and of them these models."
        ),
    ] = None,
) -> None:
    """Show how the targets are, with the time until each is cold, until q or Ctrl-C.

    UNTIL COLD counts down what is left of a model's keep-alive; it jumps back up when
    somebody uses the model, or a pass restarts its timer. A load shows how long it
    has taken, and if its history tells, how long it usually takes. `ps` shows the same
    once, with what is wanted and why something is not ready.

    It reads Redis once a second and asks no host. It finds the `ollama-warmup up`
    that runs here by itself; else set OLLAMA_WARMUP_BROKER_URL.

    \b
    Examples:
      ollama-warmup top
      ollama-warmup top gpu-1
      watch -n 5 ollama-warmup ps         # without colours, anywhere

    Exit codes: 0 ended by q or Ctrl-C · 2 refused: no terminal, no such host or model,
    or a wrong variable · 3 Redis cannot be reached · 4 no pass has reported.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import watching  # noqa: PLC0415 - see above

    raise typer.Exit(watching.run(names or []))
