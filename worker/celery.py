"""The Celery application: `celery -A worker worker` finds `app` here.

Its settings are celeryconfig.py. It is never the current app, and broker and
results are its own, so that it lives beside an application's Celery.
"""

import gc
import logging

from celery.signals import (
    after_setup_logger,
    task_postrun,
    worker_before_create_process,
    worker_process_init,
    worker_process_shutdown,
)

from ollama_warmup.wire import OwnCelery
from worker import softlimit
from worker.bootsteps import LaneFollower, PoolGuard, StartAdvice
from worker.healthfile import HealthFile

app = OwnCelery(
    "warmup",
    set_as_current=False,
    include=("tasks.warming", "tasks.schedule", "tasks.pulling", "tasks.unloading"),
)
app.config_from_object("celeryconfig")
# Else CELERY_RESULT_BACKEND in the environment would win over the configuration.
app.backend_cls = app.conf.get("result_backend")
app.steps["worker"].update({PoolGuard, StartAdvice})
app.steps["consumer"].update({HealthFile, LaneFollower})


@after_setup_logger.connect
def _show_our_lines(**_: object) -> None:
    """Show INFO lines of warm-ups whatever `--loglevel` Celery itself has."""
    for name in ("worker", "tasks", "ollama_warmup"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)


@worker_before_create_process.connect
def _share_memory(**_: object) -> None:
    """Keep the collector off what a child has in common: it would copy the pages."""
    gc.collect()
    gc.freeze()


@worker_process_init.connect
def _start_fresh(**_: object) -> None:
    """Drop what the parent process opened: sockets must not cross a fork."""
    softlimit.install()
    from worker import runtime  # noqa: PLC0415 - beat needs none of it

    runtime.reset()


@task_postrun.connect
def _collect(**_: object) -> None:
    """Free what a task leaves in cycles, requests of httpx and tracebacks.

    Python itself would wait for dozens of tasks, and a heap that has grown meanwhile
    stays so. Most objects are frozen: it takes 0.2 ms, or 2.5 with 1,000 hosts.
    """
    gc.collect()


@worker_process_shutdown.connect
def _close(**_: object) -> None:
    from worker import runtime  # noqa: PLC0415 - as above

    runtime.close()
