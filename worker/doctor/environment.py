"""What the variables of an environment, and its warm list, mean. Pure."""

import math
from collections.abc import Iterator

from ollama_warmup import durations
from ollama_warmup.durations import format_short
from ollama_warmup.errors import BadRequest
from worker.core.stays import SHORT_TICKS
from worker.doctor.facts import Facts
from worker.doctor.finding import Check, Finding, note, ok, problem, warning

FOREIGN = ("APP", "BROKER_URL", "CONFIG_MODULE", "LOADER", "RESULT_BACKEND")
"""What the `celery` program reads beside everything that begins with `CELERY_`."""
UNSEEN = (
    "as this environment has it; with which one the server was started cannot be asked "
    "over its API"
)
_LOAD_TIMEOUT_S = 300.0
"""Ollama's own; less stops slow loads early."""


def settings(facts: Facts) -> Iterator[Finding]:
    """Whether the variables of this project can be read."""
    if facts.settings_problem:
        yield problem(
            Check.SETTINGS,
            facts.settings_problem,
            next_step="mend this variable here and wherever a worker or an "
            "application has it; they refuse to start with it",
        )
    else:
        yield ok(Check.SETTINGS, "all OLLAMA_WARMUP_* variables are known and right")


def foreign(facts: Facts) -> Iterator[Finding]:
    """Variables by which Celery's program does something else than is written."""
    found = sorted(
        name
        for name in facts.environment
        if name in FOREIGN or name.startswith("CELERY_")
    )
    for name in found:
        yield warning(
            Check.FOREIGN_VARIABLES,
            f"Celery reads {name}, and may use another application, broker or "
            "configuration than is written",
            where=name,
            next_step=f"unset {name} where workers, beat and Flower are started; "
            "broker and results are those of OLLAMA_WARMUP_BROKER_URL anyway",
        )
    if not found:
        yield ok(Check.FOREIGN_VARIABLES, "no variable of Celery's own is set")


def ollama(facts: Facts) -> Iterator[Finding]:
    """Ollama's variables against what is wanted; they count if its server has them."""
    found = [
        *_keep_alive(facts),
        *_max_loaded(facts),
        *_parallel(facts),
        *_load_timeout(facts),
    ]
    yield from found
    if not found:
        what = "no OLLAMA_* variable of this environment fights what is wanted"
        yield ok(Check.OLLAMA_VARIABLES, what)


def _keep_alive(facts: Facts) -> Iterator[Finding]:
    name = "OLLAMA_KEEP_ALIVE"
    seconds = _seconds(facts.environment.get(name, ""))
    least_s = SHORT_TICKS * facts.tick_s
    relying = [target for _, target in facts.wanted() if target.keep_alive_s is None]
    if seconds is None or not relying:
        return
    if 0 <= seconds < least_s:
        yield warning(
            Check.OLLAMA_VARIABLES,
            f"{len(relying)} targets state no keep-alive, and the server's own of "
            f"{format_short(seconds)} is below 3 ticks ({format_short(least_s)}): they "
            "go before a pass can hold them",
            where=name,
            evidence=UNSEEN,
            next_step=f"start the server with {name}=24h, or write keep_alive=30m for "
            "these models in the warm list",
        )
    elif seconds < 0:
        yield note(
            Check.OLLAMA_VARIABLES,
            "models stay for ever, which pins nothing: one that is needed still evicts "
            "them, and a wedged server stays wedged",
            where=name,
            evidence=UNSEEN,
            next_step=f"{name}=24h is as good, and ends",
        )


def _max_loaded(facts: Facts) -> Iterator[Finding]:
    name = "OLLAMA_MAX_LOADED_MODELS"
    most = _number(facts.environment.get(name, ""))
    for host in facts.hosts if most else ():
        wanted = len({target.name.normal for target in host.targets})
        if host.is_local and most and wanted > most:
            yield warning(
                Check.OLLAMA_VARIABLES,
                f"{wanted} models are wanted of {host.name}, and it may hold {most} at "
                "once: they evict one another",
                where=name,
                evidence=UNSEEN,
                next_step=f"start the server with {name}={wanted} if its memory "
                "allows, or want fewer models of this host",
            )


def _parallel(facts: Facts) -> Iterator[Finding]:
    name = "OLLAMA_NUM_PARALLEL"
    slots = _number(facts.environment.get(name, ""))
    if slots and slots > 1:
        yield note(
            Check.OLLAMA_VARIABLES,
            f"each model takes the memory of {slots} contexts",
            where=name,
            evidence=UNSEEN,
            next_step=f"{name}=1 leaves more room for models, if that is short",
        )


def _load_timeout(facts: Facts) -> Iterator[Finding]:
    name = "OLLAMA_LOAD_TIMEOUT"
    seconds = _seconds(facts.environment.get(name, ""))
    if seconds is not None and 0 < seconds < _LOAD_TIMEOUT_S:
        yield note(
            Check.OLLAMA_VARIABLES,
            f"a load that says nothing for {format_short(seconds)} is given up",
            where=name,
            evidence=UNSEEN,
            next_step=f"unset {name} (5m) if loads end with `timed out waiting`",
        )


def warm_list(facts: Facts) -> Iterator[Finding]:
    """Whether there is something to keep warm, and passes may do it."""
    if facts.list_problem:
        yield problem(
            Check.WARM_LIST,
            facts.list_problem,
            next_step="mend it; docs/warmlist.example.yaml shows every key",
        )
        return
    found = [*_on_sentences(facts), *_on_reports(facts), *_on_nothing(facts)]
    yield from found
    if not found:
        number = len([*facts.wanted()])
        what = f"{number} targets are wanted of {len(facts.hosts)} hosts"
        yield ok(Check.WARM_LIST, what)


def _on_sentences(facts: Facts) -> Iterator[Finding]:
    """What is set without effect, told as it is."""
    for sentence in facts.sentences:
        yield note(Check.WARM_LIST, sentence)


def _on_reports(facts: Facts) -> Iterator[Finding]:
    reports = facts.shared.reports.values() if facts.shared else ()
    refused = dict.fromkeys(r.warm_list_problem for r in reports if r.warm_list_problem)
    for sentence in refused:
        yield problem(
            Check.WARM_LIST,
            f"the workers do not take up the changed warm list: {sentence}",
            next_step="mend the file; the list of before stays in force meanwhile",
        )
    if any(report.targets and not report.enabled for report in reports):
        yield warning(
            Check.WARM_LIST,
            "passes only observe: nothing is kept warm",
            evidence="the last reports say that OLLAMA_WARMUP_ENABLED is not true",
            next_step="start the workers with OLLAMA_WARMUP_ENABLED=true; "
            "`ollama-warmup plan` shows what they would do",
        )
    if facts.is_theirs:
        yield note(
            Check.WARM_LIST,
            "this environment declares nothing; hosts and targets are those of the "
            "last passes",
            next_step="run doctor with the workers' OLLAMA_WARMUP_* variables to have "
            "keep-alives, tokens and runner options checked as well",
        )
    elif others := _others(facts):
        yield note(
            Check.WARM_LIST,
            f"the workers want other models of {', '.join(others)} than this "
            "environment does",
            next_step="give it theirs: OLLAMA_HOST and OLLAMA_WARMUP_*",
        )


def _others(facts: Facts) -> list[str]:
    """Hosts whose last report has another warm list."""
    reports = facts.shared.reports if facts.shared else {}
    ours = {host.name: {t.wanted for t in host.targets} for host in facts.hosts}
    return [
        name
        for name, report in reports.items()
        if ours.get(name, set()) != {target.wanted for target in report.targets}
    ]


def _on_nothing(facts: Facts) -> Iterator[Finding]:
    if not any(host.targets for host in facts.hosts):
        yield warning(
            Check.WARM_LIST,
            "nothing is wanted, so nothing is kept warm",
            next_step="set OLLAMA_WARMUP_MODELS=llama3:8b for the workers, or "
            "OLLAMA_WARMUP_CONFIG to a file with `models`",
        )


def _seconds(text: str) -> float | None:
    """As Ollama reads a duration of its environment: with a unit, or seconds.

    Source: Ollama envconfig/config.go, `KeepAlive`, at 0.33.
    """
    text = text.strip().strip("\"'")
    try:
        seconds = float(int(text))
    except ValueError:
        try:
            return durations.parse(text)
        except BadRequest:
            return None
    return seconds if math.isfinite(seconds) else None


def _number(text: str) -> int | None:
    """A whole number above 0."""
    text = text.strip().strip("\"'")
    return int(text) if text.isascii() and text.isdigit() and int(text) else None
