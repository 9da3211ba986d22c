"""Warms models while an application starts, in the background.

For FastAPI `warmup_lifespan`, for all others `start_in_background`. What costs
(importing Celery, reading settings, reaching Redis) happens in a thread, of which
the application notices nothing: nothing is raised, and nothing waits at its end.
"""

import concurrent.futures.thread  # noqa: F401 - it also has handlers of forks
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

logger = logging.getLogger(__name__)

HEAD_START_S = 0.3
"""The application starts first, seconds: importing takes turns with its own threads,
and a server that forks its processes now need not wait for it."""
_LATER = "the application goes on, and a later pass of the worker loads its models"
# Held while the thread imports and builds. A child that is forked meanwhile would
# inherit a module half imported, and wait for ever for the thread to end it.
_no_fork = threading.RLock()
os.register_at_fork(
    before=_no_fork.acquire,
    after_in_parent=_no_fork.release,
    after_in_child=_no_fork.release,
)


def start_in_background(*, enabled: bool | None = None) -> None:
    """Send a gentle warm-up for each model that this process declares.

    Returns at once and never raises; in each process of an application, and as
    often as it likes. Where nothing is declared, the worker looks after its own
    models at once.

    Args:
        enabled: whether to warm; None = as `OLLAMA_WARMUP_ENABLED` says.
    """
    if enabled is False:
        return
    thread = threading.Thread(
        target=_warm, args=(enabled,), name="ollama-warmup-start", daemon=True
    )
    try:
        thread.start()
    except RuntimeError as exc:
        logger.warning("Ollama warmup has no thread (%s): %s", exc, _LATER)


@asynccontextmanager
async def warmup_lifespan(
    _app: object = None, *, enabled: bool | None = None
) -> AsyncIterator[None]:
    """Start warming with an ASGI application: `FastAPI(lifespan=warmup_lifespan)`.

    Inside a lifespan of one's own: `async with warmup_lifespan(app): yield`.

    Args:
        enabled: as of `start_in_background`.
    """
    start_in_background(enabled=enabled)
    yield


def _warm(enabled: bool | None) -> None:  # noqa: FBT001 - a thread's argument
    threading.Event().wait(HEAD_START_S)
    try:
        _send(enabled)
    except Exception:
        logger.exception("Ollama warmup failed to start: %s", _LATER)


def _send(enabled: bool | None) -> None:  # noqa: FBT001 - a thread's argument
    with _no_fork:
        from ollama_warmup import errors, gentle  # noqa: PLC0415 - takes a second

        try:
            declared = gentle.ready_to_send(enabled=enabled)
        except errors.Permanent as exc:
            logger.error("Ollama warmup is off until this is mended: %s", exc)  # noqa: TRY400
            return
    if declared is None:
        logger.debug("Ollama warmup is off: OLLAMA_WARMUP_ENABLED is not true")
        return
    try:
        gentle.send_all(declared)
    except errors.StoreUnavailable as exc:
        logger.warning("Ollama warmup was not sent: %s (%s)", exc, _LATER)
        return
    logger.info("Ollama warmup initiated in background")
