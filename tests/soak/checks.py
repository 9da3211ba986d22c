"""Whether all comes back, and every caller is told; see the package's docstring."""

import math
from collections.abc import Iterator

from tests.faults.bounds import TICK_S, Timing, bound
from tests.soak.past import HOLD_S, WAITS_S, Past, Stay, Violation

SPARE_S = 3.0
NO_TROUBLE = Timing(visibility_s=0, loads_s=0, away_s=0)
VIEWS_A_TICK, VIEWS_A_CALL, VIEWS_A_LOAD = 1.5, 30, 12


def stuck(past: Past) -> Iterator[Violation]:
    """What is wanted and not resident, longer than anything explains."""
    for host, models in past.wanted.items():
        for model in models:
            for begin, end in _cold(past, host, model):
                bound_at = _back_by(past, host, begin)
                if min(end, past.end) > bound_at:
                    late_s = min(end, past.end) - begin
                    yield Violation(
                        bound_at,
                        host,
                        f"{model} was cold for {late_s:.1f} s, not at most "
                        f"{bound_at - begin:.1f} s",
                    )


def coldest_s(past: Past) -> float:
    """How long something wanted was not resident, at most."""
    cold = (
        _cold(past, host, m) for host, models in past.wanted.items() for m in models
    )
    spans = (span for spans in cold for span in spans)
    return max((min(end, past.end) - begin for begin, end in spans), default=0.0)


def _cold(past: Past, host: str, model: str) -> Iterator[tuple[float, float]]:
    """From when to when it was not there; the last end may be infinite."""
    gone_at = past.begin
    for stay in sorted(past.stays_of(host, model), key=lambda s: s.begin):
        if stay.begin > gone_at:
            yield gone_at, stay.begin
        gone_at = max(gone_at, stay.end)
    if gone_at < math.inf:
        yield gone_at, math.inf


def _back_by(past: Past, host: str, gone_at: float) -> float:
    """Each fault and each stranger that comes before the bound moves it."""
    own_s = HOLD_S + SPARE_S + past.loads_s + bound("M T").seconds(NO_TROUBLE)
    reasons = [
        (t.at, t.at + min(t.healed - t.at, t.warm_s), t.at + t.warm_s + SPARE_S)
        for t in past.troubles
        if t.host in {None, host}
    ]
    reasons += [
        (stranger.begin, stranger.end, stranger.end + own_s)
        for stranger in past.stays
        if stranger.host == host and stranger.model not in past.wanted[host]
    ]
    until = gone_at + own_s
    for begin, end, back_by in sorted(reasons):
        if begin <= until and end >= gone_at - TICK_S:
            until = max(until, back_by)
    return until


def calls(past: Past) -> Iterator[Violation]:
    """Warm-ups that were told late, nothing, or an error that no server explains."""
    for call in past.calls:
        took_s, most_s = call.answered - call.sent, _call_s(past, call.sent)
        near = [t for t in past.troubles if t.touches(call.sent, call.answered)]
        words = ""
        if call.what == "lost" and any(t.forgets and call.sent <= t.at for t in near):
            continue  # its message was in the Redis that was emptied
        if call.what in {"lost", "undocumented"}:
            words = f"a warm-up of {call.model} was told {call.told}"
        elif took_s > most_s:
            words = f"a warm-up of {call.model} took {took_s:.1f} s, not {most_s:.1f} s"
        elif call.what == "error" and not any(t.host == call.host for t in near):
            is_limit = call.told.startswith("TimeLimitExceeded")
            if not (is_limit and any(t.stops_child for t in near)):
                words = f"a warm-up of {call.model} failed: {call.told}"
        if words:
            yield Violation(call.sent, call.host, words)


def _call_s(past: Past, sent: float) -> float:
    """Its bound: that of the fault in which it was sent, or that came upon it."""
    most_s = past.loads_s + SPARE_S + bound("P L 2T").seconds(NO_TROUBLE)
    near = [t for t in past.troubles if t.touches(sent, sent + most_s)]
    return max([most_s, *(t.calls_s + max(t.at - sent, 0) for t in near)])


def healed(past: Past) -> Iterator[Violation]:
    """Faults after which not all was well, whatever the servers recorded."""
    for trouble in past.troubles:
        for wrong in trouble.wrong:
            yield Violation(trouble.at, trouble.host or "", f"{trouble.what}: {wrong}")


def views(past: Past) -> Iterator[Violation]:
    """Servers that were looked at too often in one of their lives."""
    for life in past.lives:
        begin, end = life.begin - SPARE_S, life.end
        called = [c for c in past.calls if c.sent <= end and c.answered >= begin]
        loads = [s for s in past.stays if _is_begun(s, life.host, begin, end)]
        most = VIEWS_A_TICK * (end - begin) / TICK_S + 20
        most += VIEWS_A_CALL * len(called) + VIEWS_A_LOAD * len(loads)
        if life.views > most:
            yield Violation(
                end,
                life.host,
                f"{life.views} looks in {end - begin:.0f} s, not {most:.0f}",
            )


def _is_begun(stay: Stay, host: str, begin: float, end: float) -> bool:
    return stay.host == host and begin - WAITS_S <= stay.begin <= end
