"""What has become of the models that are wanted. Pure."""

from collections import Counter
from collections.abc import Iterator

from ollama_warmup.durations import format_short
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core.passes import Event, Kind
from worker.doctor.facts import Facts, named, often
from worker.doctor.finding import Check, Finding, note, ok, problem, warning

_ON_ITS_WAY = frozenset({Condition.COLD, Condition.QUEUED, Condition.LOADING})
_LOST = {
    Kind.LAPSED: "its time ran out",
    Kind.EVICTED: "another model took its room",
    Kind.RELOADED: "somebody loaded it with other options",
    Kind.UNLOADED: "somebody unloaded it",
    Kind.RESTARTED: "its server began anew",
    Kind.CRASHED: "its runner died",
    Kind.RELOADED_BY_TOUCH: "it had been loaded with options that no view shows",
}
_NEXT = {
    Kind.LAPSED: "this must not happen while passes run: `ollama-warmup events` tells "
    "when; a longer keep_alive gives them more time",
    Kind.EVICTED: "see loaded-models and memory",
    Kind.RELOADED: "declare the options that your application sends: see context",
    Kind.UNLOADED: "`ollama-warmup pause` keeps passes from loading it again",
    Kind.RESTARTED: "keep the container or service of Ollama running",
    Kind.CRASHED: "the log of that server tells why",
    Kind.RELOADED_BY_TOUCH: "declare all runner options that your application sends",
}


def pulled(facts: Facts) -> Iterator[Finding]:
    """Whether hosts have the models that are wanted of them."""
    for host in facts.hosts:
        if host.tags is None:
            continue
        missing = [target for target in host.targets if host.tag(target) is None]
        for target in missing:
            yield _missing(target)
        if not missing and host.targets:
            number = len(host.targets)
            yield ok(Check.PULLED, f"it has the {number} models", where=host.name)


def _missing(target: Target) -> Finding:
    where, what = named(target), "the host does not have this model"
    if target.pull:
        return note(
            Check.PULLED,
            f"{what}; passes pull it",
            where=where,
            next_step="ollama-warmup events follows it",
        )
    return problem(
        Check.PULLED,
        what,
        where=where,
        next_step=f"ollama-warmup pull {target.model} --host {target.host}; or say "
        "pull: true for it in the warm list",
    )


def warmed(facts: Facts) -> Iterator[Finding]:
    """Whether each target is warm, as the last pass saw it."""
    if facts.shared is None:
        return
    for _, target in facts.wanted():
        told = facts.shared.report(target)
        if told is None:
            continue
        where, since = named(target), format_short(facts.shared.now - told.since)
        what = f"{told.condition.value} since {since}"
        if told.condition is Condition.FAILING:
            yield problem(
                Check.WARMED,
                "its warm-ups fail",
                where=where,
                evidence=told.why,
                next_step=f"ollama-warmup warm {target.model} --host {target.host} "
                "tries now and tells why; the log of that Ollama has more",
            )
        elif told.is_ready:
            yield ok(Check.WARMED, what, where=where)
        elif told.condition in _ON_ITS_WAY:
            yield note(
                Check.WARMED,
                what,
                where=where,
                evidence=told.why,
                next_step="ollama-warmup top shows how far it is",
            )
        elif told.condition is not Condition.ASLEEP:
            yield warning(
                Check.WARMED,
                what,
                where=where,
                evidence=told.why,
                next_step=f"ollama-warmup events {target.model} tells how it came so",
            )


def unloaded(facts: Facts) -> Iterator[Finding]:
    """What went in the last day though it was wanted, and why."""
    if facts.shared is None:
        return
    lost = [e for e in facts.shared.events if e.kind in _LOST and _is_wanted(facts, e)]
    counted = Counter((e.host, e.model, e.kind) for e in lost)
    for (host, model, kind), times in counted.items():
        last = next(e for e in lost if (e.host, e.model, e.kind) == (host, model, kind))
        age = format_short(max(facts.shared.now - last.at, 0))
        yield (warning if kind in {Kind.LAPSED, Kind.CRASHED} else _note)(
            Check.UNLOADED,
            f"{_LOST[kind]}, {often(times)} in the last day",
            where=f"{model} on {host}",
            evidence=f"{age} ago: {last.why}" if last.why else f"{age} ago",
            next_step=_NEXT[kind],
        )
    if not lost:
        yield ok(Check.UNLOADED, "no wanted model went in the last day")


def _note(check: Check, what: str, **more: str) -> Finding:
    return note(check, what, **more)


def _is_wanted(facts: Facts, event: Event) -> bool:
    return any(
        (target.host, target.model) == (event.host, event.model)
        for _, target in facts.wanted()
    )
