"""Tells the control loop that a host has changed."""

import logging

from ollama_warmup import wire
from ollama_warmup.errors import StoreUnavailable
from ollama_warmup.publish import reaching_store
from worker.celery import app

logger = logging.getLogger(__name__)

EXPIRES_S = 60
"""Later than this, the next pass has looked by itself."""


def pass_soon(host: str) -> None:
    """Order a pass of one host; that none comes so soon harms nobody."""
    try:
        with reaching_store():
            app.send_task(
                wire.RECONCILE,
                kwargs={"host": host},
                queue=wire.CONTROL,
                ignore_result=True,
                expires=EXPIRES_S,
            )
    except StoreUnavailable as exc:
        logger.warning("No pass of %s could be ordered: %s", host, exc)
