"""`ollama-warmup up`: the whole system in one terminal, beside an Ollama."""

from typing import Annotated

import typer


def up(
    *,
    web_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="The status page's port on 127.0.0.1; 0 serves none.  "
            "[default: 11480, or a free one]",
        ),
    ] = None,
    flower_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Flower's port on 127.0.0.1; 0 starts none.  "
            "[default: 5555, or a free one]",
        ),
    ] = None,
) -> None:
    """Run the whole system in this terminal, until Ctrl-C.

    A worker loads models on the Ollama at OLLAMA_HOST, or on OLLAMA_WARMUP_HOSTS.
    Beat sends a pass every OLLAMA_WARMUP_TICK_S seconds (10), the worker `control`
    looks how OLLAMA_WARMUP_MODELS are, and keeps them warm if OLLAMA_WARMUP_ENABLED
    is true; else it only observes. The worker `pull` downloads models. The status page
    shows how all of them are, Flower the tasks and the workers.

    Without OLLAMA_WARMUP_BROKER_URL an embedded Valkey is the broker; it keeps results
    in $XDG_STATE_HOME/ollama-warmup, or ~/.local/state/ollama-warmup. A process that
    dies is started again. One system runs in each OLLAMA_WARMUP_NAMESPACE.

    Ctrl-C or SIGTERM ends all of them; a worker that is loading a model has 20
    seconds to finish. A second Ctrl-C ends everything at once.

    \b
    Examples:
      ollama-warmup up
      OLLAMA_WARMUP_ENABLED=true OLLAMA_WARMUP_MODELS=llama3:8b ollama-warmup up
      OLLAMA_HOST=10.0.0.5:11434 ollama-warmup up --flower-port 8080
      ollama-warmup ps                    # in another terminal

    Exit codes: 0 ended by Ctrl-C or SIGTERM · 1 cannot start.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import running  # noqa: PLC0415 - see above

    running.run(web_port=web_port, flower_port=flower_port)
