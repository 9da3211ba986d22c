"""`python -m worker worker …` and `… beat …`: as `celery -A worker …`, in less memory.

Celery's own command imports the commands of all plugins (Flower's), and a prompt; what
serves needs neither. Options and environment variables are Celery's.
"""

import click
from celery.bin.base import CLIContext
from celery.bin.beat import beat
from celery.bin.worker import worker

from worker.celery import app


@click.group(commands={"worker": worker, "beat": beat})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Run one of Celery's processes."""
    ctx.obj = CLIContext(app=app, no_color=False, workdir=None, quiet=False)
    if ctx.invoked_subcommand == "beat":
        app.conf.include = ()  # it sends tasks by name, and runs none


if __name__ == "__main__":
    main(auto_envvar_prefix="CELERY")
