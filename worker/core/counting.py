"""What the ends of loads, touches and passes add to the metrics. Pure."""

import math
from enum import StrEnum

from ollama_warmup import tally
from ollama_warmup.errors import Breaker, Permanent, WarmupError
from ollama_warmup.tally import OTHER, Tally, What
from worker.core.domain import Holder, TouchRecord, Warmth

BUCKETS_S = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Upper bounds; 300 s is the soft limit of a task, 1,800 s the ceiling of a load."""


class Cause(StrEnum):
    """Who had a model loaded."""

    KEEP_WARM = "keep_warm"
    """A pass, an application's start or a health route."""
    ON_DEMAND = "on_demand"
    """Whoever called for a warm-up."""


class LoadResult(StrEnum):
    """How a load ended: well, or with an error of this kind."""

    SUCCESS = "success"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    BREAKER = "breaker"


class TouchResult(StrEnum):
    """How a touch ended."""

    SUCCESS = "success"
    LOAD = "load"
    """It loaded the model."""
    FAILURE = "failure"


def of_load(
    end: Warmth | WarmupError, *, holder: Holder, host: str, model: str, is_gentle: bool
) -> Tally:
    """What the end of a load adds.

    Args:
        end: what was seen warm, or why not.
        holder: the load; its `expected_s` is the median of those before.
        host: its name.
        model: as the warm list writes it, or `OTHER`.
        is_gentle: whether nobody called for it.

    Returns:
        Nothing if the model was only proven, and not loaded; its seconds only if it is
        declared.
    """
    cause = Cause.KEEP_WARM if is_gentle else Cause.ON_DEMAND
    name = tally.field(What.LOAD, cause, _result(end), host=host, model=model)
    if isinstance(end, WarmupError):
        return Tally(amounts={name: 1})
    if end.load_s <= 0:
        return tally.NOTHING
    if model == OTHER:
        return Tally(amounts={name: 1})
    bucket = f"{next((b for b in BUCKETS_S if end.load_s <= b), math.inf):g}"
    return Tally(
        amounts={
            name: 1,
            tally.field(What.LOAD_S, bucket, host=host, model=model): 1,
            tally.field(What.LOAD_S, tally.SUM, host=host, model=model): end.load_s,
        },
        typical_s={tally.pair(host, model): holder.expected_s or end.load_s},
    )


def _result(end: Warmth | WarmupError) -> LoadResult:
    if not isinstance(end, WarmupError):
        return LoadResult.SUCCESS
    if isinstance(end, Breaker):
        return LoadResult.BREAKER
    is_permanent = isinstance(end, Permanent)
    return LoadResult.PERMANENT if is_permanent else LoadResult.TRANSIENT


def of_touch(record: TouchRecord, *, host: str, model: str) -> Tally:
    """What the end of a touch adds; host and model as of `of_load`."""
    if record.error:
        result = TouchResult.FAILURE
    else:
        result = TouchResult.LOAD if record.was_load else TouchResult.SUCCESS
    name = tally.field(What.TOUCH, result, host=host, model=model)
    return Tally(amounts={name: 1})


def of_pass(seconds: float) -> Tally:
    """What a pass over all hosts adds."""
    count = tally.field(What.PASSES, "count")
    return Tally(amounts={count: 1, tally.field(What.PASSES, tally.SUM): seconds})
