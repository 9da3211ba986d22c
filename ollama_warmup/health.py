"""For a health route: `await readiness()` looks, judges, and warms what is cold.

Redis is read in threads, so that the event loop never waits for it.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Any

from ollama_warmup import aio, gentle, names, publish, report, settings, verdict
from ollama_warmup.errors import (
    BadRequest,
    BadSettings,
    StoreUnavailable,
    WarmupError,
)
from ollama_warmup.request import parse
from ollama_warmup.verdict import Readiness, Watched

logger = logging.getLogger(__name__)

PATIENCE_S = 3.0
"""Seconds until an answer is given without Redis'."""
ASK_S = 60
"""A target's warm-up is asked for once in so many seconds, by whoever looks."""
asking: set[tuple[str, str]] = set()
"""Hosts and models that this process is asking for just now."""


async def readiness(model: str | None = None) -> Readiness:
    """Tell whether the wanted models are ready, and have warmed what is cold.

    Never raises, and answers within `PATIENCE_S`; needs a worker and beat, whose
    passes it reads. What is cold is sent once a minute to the worker, however many
    ask; nothing is sent for what is queued, loading, failing or asleep.

    Args:
        model: a declared model; ready once it is on one host. None = every
            critical target, or all if none is marked critical.
    """
    try:
        name = None if model is None else parse(model).name
        async with asyncio.timeout(PATIENCE_S):
            seen = await aio.off_the_loop(_look, name)
    except BadRequest as exc:
        return verdict.not_ready(str(exc), status=404)
    except (StoreUnavailable, BadSettings) as exc:
        return verdict.not_ready(str(exc))
    except TimeoutError:
        return verdict.not_ready(
            f"Redis has not answered within {PATIENCE_S:.0f} s: is it well, and is "
            "OLLAMA_WARMUP_BROKER_URL right?"
        )
    cold = [t for t in seen.cold if (t.host, t.model) not in asking]
    if cold:
        asking.update((t.host, t.model) for t in cold)
        aio.threads().submit(_ask, cold)  # and nobody waits for it
    return seen


def _look(model: names.Name | None) -> Readiness:
    redis = _redis()
    with publish.reaching_store():
        rows = redis.hgetall(report.key(settings.current().namespace))
        seconds, microseconds = redis.time()
    reports = []
    for row in rows.values():
        try:
            reports.append(report.load(row))
        except ValueError:
            return verdict.not_ready(
                "a report is in another form than this version reads: give worker "
                "and application the same version of ollama-warmup"
            )
    return verdict.judge(reports, model=model, now=seconds + microseconds / 1e6)


def _ask(cold: Sequence[Watched]) -> None:
    try:
        for target in cold:
            if _is_first(target):
                gentle.send_reported(target.model, target.host)
    except WarmupError as exc:
        logger.warning("A warm-up that readiness asks for was not sent: %s", exc)
    finally:
        asking.difference_update((t.host, t.model) for t in cold)


def _is_first(target: Watched) -> bool:
    """Whether no process asked for it lately; from now on this one has."""
    name = parse(target.model).name.normal
    key = f"{settings.current().namespace}:asked:{target.host}:{name}"
    with publish.reaching_store():
        return bool(_redis().set(key, 1, nx=True, ex=ASK_S))


def _redis() -> Any:  # noqa: ANN401 - redis-py's, imported by its one adapter alone
    return publish.app().backend.client  # type: ignore[attr-defined] # Redis has it


os.register_at_fork(after_in_child=asking.clear)
