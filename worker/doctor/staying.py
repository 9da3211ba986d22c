"""Whether the wanted models stay as they are wanted. Pure."""

import math
from collections.abc import Iterator

from ollama_warmup.durations import format_short
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import residency
from worker.core.passes import Kind
from worker.core.stays import SHORT_TICKS
from worker.doctor.facts import Facts, HostFacts, named, often
from worker.doctor.finding import Check, Finding, note, ok, problem, warning


def keep_alive(facts: Facts) -> Iterator[Finding]:
    """Whether keep-alives are long enough to be held, and stay as they are wanted."""
    found = [*_too_short(facts), *_shortened(facts)]
    yield from found
    if not found:
        tick = format_short(facts.tick_s)
        yield ok(Check.KEEP_ALIVE, f"all known ones can be held by passes every {tick}")


def _too_short(facts: Facts) -> Iterator[Finding]:
    least_s = SHORT_TICKS * facts.tick_s
    for _, target in facts.wanted():
        seconds = target.keep_alive_s
        if seconds is not None and seconds < least_s:
            yield problem(
                Check.KEEP_ALIVE,
                f"{format_short(seconds)} is below 3 ticks ({format_short(least_s)}): "
                "it goes before a pass can hold it",
                where=named(target),
                evidence=f"a pass every {format_short(facts.tick_s)}",
                next_step="write keep_alive=30m for it, or lower OLLAMA_WARMUP_TICK_S",
            )


def _shortened(facts: Facts) -> Iterator[Finding]:
    """Targets whose context is right, and whose keep-alive is not."""
    for _, target in facts.wanted() if facts.shared else ():
        told = facts.shared.report(target) if facts.shared else None
        if told and told.condition is Condition.DRIFTED and told.is_ready:
            yield warning(
                Check.KEEP_ALIVE,
                "it is loaded with another keep-alive than is wanted",
                where=named(target),
                evidence=told.why,
                next_step="somebody sends keep_alive with his calls: leave it out "
                "there, then ours counts from the next load on. Without keep_alive in "
                "the warm list, raise OLLAMA_KEEP_ALIVE of the server, to 24h say",
            )


def forever(facts: Facts) -> Iterator[Finding]:
    """Whether models have no timer."""
    found = [*_wanted_forever(facts), *_loaded_forever(facts)]
    yield from found
    if not found and any(host.view for host in facts.hosts):
        yield ok(Check.FOREVER, "every model has a timer, as far as it is seen")


_NO_PIN = (
    "it pins nothing, as another model still evicts it, and a host that is wedged by "
    "it stays wedged"
)


def _wanted_forever(facts: Facts) -> Iterator[Finding]:
    for _, target in facts.wanted():
        if target.keep_alive_s == math.inf:
            yield note(
                Check.FOREVER,
                f"keep_alive -1: {_NO_PIN}",
                where=named(target),
                next_step="keep_alive=24h is held just as long, by passes",
            )


def _loaded_forever(facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        ours = {host.resident(t) for t in host.targets if t.keep_alive_s == math.inf}
        for resident in host.residents:
            view = host.view
            if view and residency.is_forever(view.left(resident)):
                if resident in ours:
                    continue
                yield note(
                    Check.FOREVER,
                    f"it is loaded without a timer: {_NO_PIN}",
                    where=f"{resident.name} on {host.name}",
                    next_step="an application sends keep_alive -1, or the server has "
                    "OLLAMA_KEEP_ALIVE=-1: 24h is as good",
                )


def context(facts: Facts) -> Iterator[Finding]:
    """Whether models are loaded with the context that is wanted."""
    found = [f for host, t in facts.wanted() for f in _of_target(facts, host, t)]
    yield from found
    if not found and any(host.view for host in facts.hosts):
        yield ok(Check.CONTEXT, "no model is loaded with another context than wanted")


def _of_target(facts: Facts, host: HostFacts, target: Target) -> Iterator[Finding]:
    info, num_ctx = host.info(target), target.options.num_ctx
    most = info.training_context if info else None
    if num_ctx and most and num_ctx > most:
        yield note(
            Check.CONTEXT,
            f"num_ctx {num_ctx} is cut to {most}, which is what it was trained with",
            where=named(target),
            next_step=f"write num_ctx={most}, here and in the application",
        )
    resident = host.resident(target)
    if resident is None:
        return
    expected = residency.wanted_context(target, resident, lambda: info)
    if residency.has_context(resident, expected):
        return
    yield warning(
        Check.CONTEXT,
        f"it is loaded with context {resident.context_length}, wanted is {expected}: "
        "each caller who sends another num_ctx than the one before makes Ollama "
        "reload it",
        where=named(target),
        evidence=_reloads(facts, target),
        next_step="send the same options everywhere: those of your application in the "
        "warm list, and the same from each application. One that uses /v1 sends none: "
        "then state none",
    )


def _reloads(facts: Facts, target: Target) -> str:
    events = facts.shared.events if facts.shared else ()
    times = sum(
        (e.host, e.model, e.kind) == (target.host, target.model, Kind.RELOADED)
        for e in events
    )
    return f"reloaded {often(times)} in the last day" if times else "as /api/ps shows"
