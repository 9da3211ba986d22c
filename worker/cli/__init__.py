"""The command line, `ollama-warmup …`: one module a command."""

import sys

import typer

from ollama_warmup.errors import WarmupError
from worker.cli.demo import demo
from worker.cli.simulate import simulate

cli = typer.Typer(
    name="ollama-warmup",
    help="Keep the models of Ollama servers loaded and hot, through Celery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command()(demo)
cli.command()(simulate)


def main() -> None:
    """Run the command line; our errors end it with exit code 1 and a sentence."""
    try:
        cli()
    except WarmupError as exc:
        print(f"ollama-warmup: {exc}", file=sys.stderr)  # noqa: T201 - for people
        sys.exit(1)
