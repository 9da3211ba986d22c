"""What a soak tells: tables, and the servers' history around what does not hold."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from rich.console import Console
from rich.table import Table

from tests.soak import checks, loads, touches
from tests.soak.memory import Sampler
from tests.soak.past import MACHINE, Asked, Past, Stay, Violation

INVARIANTS: Mapping[str, Callable[[Past], Iterator[Violation]]] = {
    "what is wanted is back by its bound": checks.stuck,
    "each warm-up is told the truth by its bound": checks.calls,
    "after each fault all serve, and no lease is left": checks.healed,
    "a bounded number of looks": checks.views,
    "never two loads of ours at once on a host": loads.at_once,
    "no load of ours is cut off but by a fault": loads.cut_off,
    "nothing is reloaded or let go by us": loads.undone,
    "nothing in use loses its room to us": loads.evictions,
    "nothing runs out but in a fault": touches.lapses,
    "no touch with keep_alive": touches.explicit,
    "no touch loads": touches.loading,
    "no more touches than windows need": touches.too_many,
}
BEFORE_S, AFTER_S = 30.0, 6.0
SHOWN = 5
"""Of each invariant, so many violations with their history."""


def judged(past: Past) -> dict[str, list[Violation]]:
    """What does not hold, by invariant."""
    return {name: list(check(past)) for name, check in INVARIANTS.items()}


def missing(past: Past) -> list[str]:
    """What has not happened, and has to: of an empty history every invariant holds."""
    mine = list(past.ours())
    happened = {
        "a fault": any(t.victim != MACHINE for t in past.troubles),
        "a warm-up that ended well": any(c.what == "truth" for c in past.calls),
        "a look at a server": any(life.views for life in past.lives),
        "a load of ours": any(a.waits and a.infers for a in mine),
        "a touch of ours": any(a.is_touch for a in mine),
        "a request of an application": len(mine) < len(past.asked),
    }
    return [what for what, is_so in happened.items() if not is_so]


def show(found: Mapping[str, list[Violation]], past: Past, console: Console) -> None:
    """Print the table of invariants, and each violation with its history."""
    for name, violations in found.items():
        for violation in violations[:SHOWN]:
            at = f"{violation.at - past.begin:.1f} s"
            host = f" on {violation.host}" if violation.host else ""
            console.print(f"\n{name}: {violation.words} ({at}{host})", style="red")
            for line in around(past, violation):
                console.print(f"  {line}", style="dim")
    for line in _figures(past):
        console.print(line)
    table = Table("invariant", "holds")
    for name, violations in found.items():
        table.add_row(name, f"no, {len(violations)} times" if violations else "yes")
    console.print(table)


def _figures(past: Past) -> Iterator[str]:
    mine = list(past.ours())
    touched = sum(asked.is_touch for asked in mine)
    loaded = sum(asked.waits and not asked.is_touch for asked in mine)
    evicted = sum(stay.why == "evicted" for stay in past.stays)
    slow = [t for t in past.troubles if t.victim == MACHINE]
    faults = [t for t in past.troubles if t.victim != MACHINE]
    healed_s = [t.healed - t.at for t in faults if t.healed < math.inf]
    answered_s = [call.answered - call.sent for call in past.calls]
    yield (
        f"{past.end - past.begin:.0f} s, {len(faults)} faults, healed within "
        f"{max(healed_s, default=0):.0f} s; what is wanted was cold for at most "
        f"{checks.coldest_s(past):.0f} s"
    )
    yield (
        f"{len(past.calls)} warm-ups, answered within {max(answered_s, default=0):.0f} "
        f"s; {loaded} loads and {touched} touches of ours, "
        f"{sum(life.views for life in past.lives)} looks"
    )
    yield f"{len(past.asked) - len(mine)} requests of applications, {evicted} evictions"
    if slow:
        slow_s = sum(t.healed - t.at for t in slow)
        yield f"the machine was too slow for {slow_s:.0f} s, {len(slow)} times: excused"


def show_memory(sampler: Sampler, past: Past, console: Console) -> None:
    """Print how each process has grown that has lived for more than a minute."""
    table = Table("process", "pid", "seen", "at 1 min", "last", "growth", "steady")
    for one in sampler.grown.values():
        if settled := one.settled:
            mib = [f"{used / 2**20:.1f} MiB" for _, used in (settled[0], settled[-1])]
            shares = [one.share, one.steady_share(past.troubles)]
            told = [f"{share:+.1%}" for share in shares]
            table.add_row(one.name, str(one.pid), f"{one.age_s:.0f} s", *mib, *told)
    console.print(table)


def around(past: Past, violation: Violation) -> list[str]:
    """What the server recorded around an instant, and the faults, in order."""
    lines = list(_lines(past, violation.host))
    near = [
        (at, words)
        for at, words in lines
        if violation.at - BEFORE_S <= at <= violation.at + AFTER_S
    ]
    return [f"{at - past.begin:8.2f}  {words}" for at, words in sorted(near)]


def _lines(past: Past, host: str) -> Iterable[tuple[float, str]]:
    for trouble in past.troubles:
        yield trouble.at, f"FAULT {trouble.what}"
        yield trouble.healed, f"HEALED {trouble.what}"
    for stay in past.stays:
        if stay.host == host:
            yield stay.begin, f"{stay.model} is loaded"
            yield stay.end, _left(stay)
    for asked in past.asked:
        if asked.host == host:
            yield asked.at, _words(asked)
            if asked.granted is None:
                yield asked.end, f"{_who(asked)} gave up"
    for call in past.calls:
        if call.host == host:
            yield call.sent, f"warm-up of {call.model} is sent"
            yield call.answered, f"warm-up of {call.model} is told {call.told}"


def _left(stay: Stay) -> str:
    return f"{stay.model} is gone: {stay.why} {stay.evicted_for}".rstrip()


def _who(asked: Asked) -> str:
    who = "we" if asked.is_ours else "an application"
    return f"{who}: {asked.model} {'+1 token' if asked.infers else 'alone'}"


def _words(asked: Asked) -> str:
    alive_s = asked.keep_alive_s
    keep_alive = "" if alive_s is None else f", keep_alive {alive_s:g} s"
    waited = f", waits {asked.waits_until - asked.at:.2f} s" if asked.waits else ""
    return f"{_who(asked)}{keep_alive}{waited}"
