"""What follows from a failed load: how long nobody tries again, and who is told.

Pure. Attempts are counted per target, not per caller: however many callers wait,
a target is loaded at most `MOST_LOADS` times before all of them get the error.
"""

from ollama_warmup import errors
from worker.core.domain import Holder, LoadRecord, Warmth

MOST_LOADS = 4
"""One load and three retries."""
PERMANENT_S = 5.0
"""A person may have acted meanwhile; callers of one burst share the answer."""
TRANSIENT_S = (2.0, 60.0)
"""First and longest back-off after a transient failure, seconds."""
BREAKER_S = (60.0, 1_800.0)
"""First and longest pause after a breaker failure, seconds."""
RETRY_SPARE_S = 5.0
"""Longer than a retry that is due takes to begin."""


def is_final(error: errors.WarmupError, *, attempt: int) -> bool:
    """Whether the callers get this error now: no retry may help, or none is left."""
    return not isinstance(error, errors.Transient) or attempt >= MOST_LOADS


def pause_s(
    error: errors.WarmupError, *, attempt: int, strikes: int, jitter: float
) -> float:
    """How long nobody loads the target after this failure.

    Args:
        error: why the load failed.
        attempt: which load it was, >= 1.
        strikes: final failures in a row, this one included.
        jitter: from 0 to 1; spreads the retries of many targets.

    Returns:
        Seconds: 5 after a permanent failure; 2 doubling to 60, of which half is
        jitter, after a transient one; 60 doubling to 1,800 after a breaker.
    """
    if isinstance(error, errors.Breaker):
        first, longest = BREAKER_S
        return min(longest, first * 2.0 ** min(max(strikes - 1, 0), 16))
    if isinstance(error, errors.Transient):
        first, longest = TRANSIENT_S
        whole = min(longest, first * 2.0 ** min(attempt - 1, 16))
        return max(first, whole * (0.5 + 0.5 * jitter))
    return PERMANENT_S


def next_pass_at(record: LoadRecord) -> float:
    """When a pass loads a target again that failed; by the store's clock.

    Callers may try after a permanent failure's 5 s. A pass asks for nobody in
    particular: it waits 60 s, doubling to 1,800 with each further final failure. A
    failure that is not final is tried again by the task that met it; the pass comes
    in only if that does not happen.
    """
    if not record.is_final:
        return record.blocked_until + RETRY_SPARE_S
    first, longest = BREAKER_S
    pause_s = min(longest, first * 2.0 ** min(max(record.strikes - 1, 0), 16))
    return max(record.blocked_until, record.ended_at + pause_s)


def revive(name: str, text: str) -> errors.WarmupError:
    """The error that a record tells of, as its own class again."""
    cls = getattr(errors, name, errors.WarmupError)
    is_ours = isinstance(cls, type) and issubclass(cls, errors.WarmupError)
    error: errors.WarmupError = (cls if is_ours else errors.WarmupError)(text)
    return error


def doubts_views(error: errors.WarmupError) -> bool:
    """Whether a model that failed so may be listed and still not answer."""
    return isinstance(error, errors.LoadFailed | errors.RunnerTerminated)


def record_of(
    end: Warmth | errors.WarmupError,
    *,
    holder: Holder,
    before: LoadRecord | None,
    now: float,
    jitter: float,
) -> LoadRecord:
    """What to tell all callers about the end of a load.

    Args:
        end: what was seen warm, or why not.
        holder: the load.
        before: how the load before it ended.
        now: the end's instant by the store's clock, Unix seconds.
        jitter: from 0 to 1.
    """
    failed = before if before is not None and before.error else None
    attempt = failed.attempt + 1 if failed and not failed.is_final else 1
    if isinstance(end, Warmth):
        return LoadRecord(
            task_id=holder.task_id,
            attempt=attempt,
            ended_at=now,
            load_s=end.load_s,
            reloaded_from=end.reloaded_from,
            digest=end.resident.digest,
            context_length=end.resident.context_length,
            left_s=end.left.total_seconds(),
        )
    is_over = is_final(end, attempt=attempt)
    strikes = (failed.strikes if failed else 0) + is_over
    pause = pause_s(end, attempt=attempt, strikes=strikes, jitter=jitter)
    return LoadRecord(
        task_id=holder.task_id,
        attempt=attempt,
        ended_at=now,
        error=type(end).__name__,
        text=str(end),
        is_final=is_over,
        strikes=strikes,
        blocked_until=now + pause,
    )
