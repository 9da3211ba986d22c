"""`ollama-warmup web`: the status page and health routes."""

from typing import Annotated

import typer

PORT = 11480


def web(
    *,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; beyond loopback set OLLAMA_WARMUP_WEB_TOKEN.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen; 0: any.")
    ] = PORT,
) -> None:
    """Serve the status page and health routes, until Ctrl-C.

    The page shows every host and target: its condition, when it goes cold, how long
    its loads take, what happened to it, and a button to warm it. It follows what
    happens by itself. `ollama-warmup up` runs it already.

    / is the page, /status its data as JSON (?find=WORDS&limit=100), /healthz tells
    that it serves, /readyz that the critical models are warm (?model=llama3:8b: this
    one), and has what is cold warmed; /metrics is for Prometheus; POST /warmup
    {"model": …, "host": …} sends a warm-up; /openapi.json describes them.

    It asks Redis alone, no Ollama. It finds the `ollama-warmup up` that runs here by
    itself; else set OLLAMA_WARMUP_BROKER_URL. With OLLAMA_WARMUP_WEB_TOKEN all but
    the health routes want it as `Authorization: Bearer`; browsers ask for it as a
    password, of any user.

    \b
    Examples:
      ollama-warmup web
      ollama-warmup web --port 8080
      OLLAMA_WARMUP_WEB_TOKEN=$(openssl rand -hex 24) ollama-warmup web --host 0.0.0.0
      curl -f 'http://127.0.0.1:11480/readyz?model=llama3:8b'

    Exit codes: 0 ended by Ctrl-C or SIGTERM · 2 refused: an address that is taken or
    none, no token, or a wrong variable.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import joining  # noqa: PLC0415 - see above

    def body() -> int:
        from worker.web import serving  # noqa: PLC0415 - after the variables are joined

        serving.run(host=host, port=port, tell=typer.echo)
        return 0

    raise typer.Exit(joining.run("web", body))
