"""What workers, beat, passes and clocks mean together. Pure."""

from collections.abc import Iterator

from ollama_warmup import wire
from ollama_warmup.durations import format_short
from ollama_warmup.verdict import is_stale
from worker.core import pauses
from worker.doctor.broker import UP
from worker.doctor.facts import Facts, HostFacts
from worker.doctor.finding import Check, Finding, note, ok, problem, warning

SKEW_S, HOST_SKEW_S = 2.0, 5.0
"""Clocks further apart than this are told, seconds; hosts tell whole seconds."""
BACKLOGS = {wire.CONTROL: 3, wire.TOUCH: 10, wire.PULL: 20}
"""Messages that may wait; passes and touches are quick, and expire."""
LANE_BACKLOG = 20


def workers(facts: Facts) -> Iterator[Finding]:
    """Whether every queue has somebody who takes from it."""
    if facts.nodes is None:
        return
    if not facts.nodes.workers:
        yield problem(
            Check.WORKERS,
            "no worker answers: nothing is warmed, and no pass is made",
            next_step=UP,
        )
        return
    idle = [q for q in _queues(facts) if not facts.nodes.consumers(q)]
    for queue in idle:
        yield problem(
            Check.WORKERS,
            f"no worker consumes {queue}: {_use(queue)}",
            where=queue,
            evidence=f"workers that answer: {', '.join(facts.nodes.workers)}",
            next_step=f"start one with {queue} in its -Q, or without -Q and -X",
        )
    if not idle:
        names = ", ".join(facts.nodes.workers)
        yield ok(Check.WORKERS, f"all queues are consumed, by {names}")


def _queues(facts: Facts) -> list[str]:
    lanes = [wire.lane(host.name) for host in facts.hosts]
    return [wire.CONTROL, wire.TOUCH, wire.PULL, *lanes]


def _use(queue: str) -> str:
    uses = {
        wire.CONTROL: "no pass is made",
        wire.TOUCH: "no timer is restarted, nothing is unloaded",
        wire.PULL: "nothing is pulled",
    }
    return uses.get(queue, "nothing is loaded on this host")


def slots(facts: Facts) -> Iterator[Finding]:
    """Whether every host can load at the same time."""
    if facts.nodes is None or not facts.nodes.workers:
        return
    lanes = {wire.lane(host.name) for host in facts.hosts}
    loading = [node for node in facts.nodes.workers.values() if node.queues & lanes]
    number = sum(node.slots for node in loading)
    if not number:
        return
    if number < len(lanes):
        yield warning(
            Check.SLOTS,
            f"{len(lanes)} hosts share {number} slots: while that many loads are in "
            "flight, the other hosts wait for theirs",
            next_step="start more workers, or one with a larger --concurrency; after a "
            "change of the warm list a restart is enough, up to 16 slots",
        )
    else:
        yield ok(Check.SLOTS, f"{number} slots for {len(lanes)} hosts")


def backlog(facts: Facts) -> Iterator[Finding]:
    """Whether messages pile up."""
    if facts.redis is None:
        return
    waiting = facts.redis.waiting
    full = {q: n for q, n in waiting.items() if n > BACKLOGS.get(q, LANE_BACKLOG)}
    for queue, number in full.items():
        yield warning(
            Check.BACKLOG,
            f"{number} messages wait in {queue}",
            where=queue,
            next_step=_empty(facts, queue),
        )
    if not full:
        yield ok(Check.BACKLOG, f"{sum(waiting.values())} messages wait in all queues")


def _empty(facts: Facts, queue: str) -> str:
    if facts.nodes and not facts.nodes.consumers(queue):
        return f"start a worker that consumes {queue}"
    if wire.is_lane(queue):
        return (
            "loads of one host come one after the other, so send fewer, or give the "
            "model to another host; callers of one model share one load"
        )
    return "look what its workers are at: Flower, or `celery -A worker inspect active`"


def beat(facts: Facts) -> Iterator[Finding]:
    """Whether somebody sends passes."""
    if facts.nodes is None:
        return
    if facts.nodes.beats:
        yield ok(Check.BEAT, f"{', '.join(facts.nodes.beats)} answers")
    elif _is_observed(facts):
        yield note(
            Check.BEAT,
            "beat does not answer, but passes come",
            next_step="if it runs inside a worker (-B) or without remote control, that "
            "is how it is",
        )
    else:
        yield problem(
            Check.BEAT,
            "beat does not answer, and no passes come",
            next_step=f"{UP}; alone it is: celery -A worker beat",
        )


def _is_observed(facts: Facts) -> bool:
    shared = facts.shared
    reports = shared.reports.values() if shared else ()
    return any(not is_stale(r, shared.now) for r in reports if shared)


def passes(facts: Facts) -> Iterator[Finding]:
    """Whether hosts are looked at."""
    shared = facts.shared
    if shared is None:
        return
    if shared.problem or not shared.reports:
        yield problem(
            Check.PASSES,
            shared.problem or "no pass has reported in this namespace",
            next_step=f"{UP}; OLLAMA_WARMUP_NAMESPACE must be the workers' own",
        )
        return
    old = [r for r in shared.reports.values() if is_stale(r, shared.now)]
    for report in old:
        age = format_short(shared.now - report.at)
        yield problem(
            Check.PASSES,
            f"the last pass was {age} ago, and one is due every "
            f"{format_short(report.tick_s)}",
            where=report.host,
            next_step="see to beat, and to the workers of ollama.control; if both are "
            "there, their clocks may be apart: a pass that is late is void",
        )
    if not old:
        last_s = shared.now - max(r.at for r in shared.reports.values())
        yield ok(Check.PASSES, f"the last one was {format_short(max(last_s, 0))} ago")


def paused(facts: Facts) -> Iterator[Finding]:
    """Whether somebody has paused something."""
    if facts.shared is None:
        return
    if not facts.shared.paused:
        yield ok(Check.PAUSED, "nothing is paused")
        return
    is_all = pauses.ALL in facts.shared.paused
    names = ", ".join(map(pauses.shown, sorted(facts.shared.paused)))
    yield note(
        Check.PAUSED,
        "everything is paused" if is_all else f"paused: {names}",
        next_step="ollama-warmup resume",
    )


def clocks(facts: Facts) -> Iterator[Finding]:
    """Whether the clocks agree."""
    found = [*_redis_clock(facts), *(f for h in facts.hosts for f in _host_clock(h))]
    yield from found
    if not found and facts.redis:
        yield ok(Check.CLOCKS, "Redis, hosts and this machine agree")


def _redis_clock(facts: Facts) -> Iterator[Finding]:
    if facts.redis and abs(facts.redis_skew_s) > SKEW_S:
        yield warning(
            Check.CLOCKS,
            f"this machine's clock is {_apart(-facts.redis_skew_s)} Redis': what is "
            "sent from here may be void before it is taken",
            where=facts.redis_at,
            next_step="synchronise both (timedatectl, chronyc tracking); so should be "
            "the machines of beat and the workers",
        )


def _host_clock(host: HostFacts) -> Iterator[Finding]:
    if host.skew_s is not None and abs(host.skew_s) > HOST_SKEW_S:
        yield note(
            Check.CLOCKS,
            f"its clock is {_apart(host.skew_s)} this machine's; timers are read by "
            "its own, so this only makes logs hard to compare",
            where=host.name,
            next_step="synchronise it: timedatectl there",
        )


def _apart(ahead_s: float) -> str:
    word = "ahead of" if ahead_s > 0 else "behind"
    return f"{format_short(abs(ahead_s))} {word}"
