"""`ollama-warmup simulate`: simulated Ollama servers in this terminal."""

import enum
from typing import Annotated, NoReturn

import typer

_LAST_PORT = 65535


class Preset(enum.StrEnum):
    """The ready-made servers."""

    DEMO = "demo"
    WIRE = "wire"


def simulate(  # noqa: PLR0913 - each parameter is a flag of the command
    *,
    port: Annotated[
        int,
        typer.Option(min=0, max=_LAST_PORT, help="Port of the first host; 0: any."),
    ] = 11434,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[?k=v&…]", help="A model, see below; repeatable."),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(help="Ready-made models; demo if no --model is given."),
    ] = None,
    keep_alive: Annotated[
        str | None,
        typer.Option(metavar="5m", help="As OLLAMA_KEEP_ALIVE; -1 is for ever."),
    ] = None,
    max_loaded_models: Annotated[
        int | None, typer.Option(min=1, help="As OLLAMA_MAX_LOADED_MODELS.")
    ] = None,
    max_queue: Annotated[
        int | None, typer.Option(min=0, help="As OLLAMA_MAX_QUEUE.")
    ] = None,
    num_parallel: Annotated[
        int | None, typer.Option(min=1, help="As OLLAMA_NUM_PARALLEL.")
    ] = None,
    context_length: Annotated[
        int | None, typer.Option(min=1, help="As OLLAMA_CONTEXT_LENGTH.")
    ] = None,
    hosts: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many, on consecutive ports.")
    ] = 1,
    control_port: Annotated[
        int | None,
        typer.Option(min=0, max=_LAST_PORT, help="For /_sim alone; 0: any."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.001, help="Simulated seconds in one of ours.")
    ] = 1.0,
) -> None:
    """Simulate Ollama 0.33: its loads, keep-alives and evictions, without weights.

    It runs until Ctrl-C. GET /_sim/stats counts loads, POST /_sim/faults breaks
    things; docs/simulator.md tells more.

    A model is a name and what it is like: load and token (durations), size,
    context, family, capabilities (completion, embedding, vision, tools, insert,
    thinking), of (share the weights of a model before it), and runner options
    such as num_ctx as Modelfile parameters.

    \b
    Examples:
      ollama-warmup simulate
      ollama-warmup simulate --port 0 --model 'llama3:8b?load=12s&size=4.7GB'
      ollama-warmup simulate --model base --model 'child?of=base&num_ctx=512'
      ollama-warmup simulate --hosts 1000 --port 20000 --control-port 19999
      ollama-warmup simulate --preset wire --max-loaded-models 1 --speed 10

    Exit codes: 0 ended by Ctrl-C or SIGTERM · 1 a port cannot be opened · 2 a flag is
    wrong.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for the server.
    from worker.simulator import command, server  # noqa: PLC0415 - see above

    flags = command.Command(
        at=server.Listening(
            address=host, port=port, hosts=hosts, control_port=control_port
        ),
        models=model or (),
        preset=preset,
        keep_alive=keep_alive,
        speed=speed,
        max_loaded_models=max_loaded_models,
        max_queue=max_queue,
        num_parallel=num_parallel,
        context_length=context_length,
    )
    try:
        command.run(flags, tell=typer.echo)
    except command.BadFlagError as error:
        _end(str(error), code=2)
    except OSError as error:
        reason = error.strerror or str(error)
        _end(f"cannot listen: {reason}; choose another --port or --host", code=1)


def _end(sentence: str, *, code: int) -> NoReturn:
    typer.echo(f"ollama-warmup simulate: {sentence}", err=True)
    raise typer.Exit(code)
