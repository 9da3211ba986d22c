"""The command line, `ollama-warmup …`: one module a command.

A command's module imports what the command needs when it runs, so that `--help`
answers at once.
"""

import sys

import typer

from ollama_warmup.errors import WarmupError
from worker.cli.demo import demo
from worker.cli.doctor import doctor
from worker.cli.events import events
from worker.cli.pause import pause
from worker.cli.plan import plan
from worker.cli.ps import ps
from worker.cli.pull import pull
from worker.cli.resume import resume
from worker.cli.simulate import simulate
from worker.cli.status import status
from worker.cli.top import top
from worker.cli.unload import unload
from worker.cli.up import up
from worker.cli.warm import warm
from worker.cli.web import web

cli = typer.Typer(
    name="ollama-warmup",
    help="Keep the models of Ollama servers loaded and hot, through Celery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    *(up, status, ps, top, warm, pull, unload, pause, resume),
    *(plan, events, doctor, web, demo, simulate),
)
for command in COMMANDS:
    cli.command()(command)


def main() -> None:
    """Run the command line; our errors end it with exit code 1 and a sentence."""
    try:
        cli()
    except WarmupError as exc:
        print(f"ollama-warmup: {exc}", file=sys.stderr)  # noqa: T201 - for people
        sys.exit(1)
