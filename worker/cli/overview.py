"""Shows how a whole system stands: ready or not, and who sees to it."""

import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ollama_warmup.durations import format_short
from ollama_warmup.report import HostState
from worker.adapters.broker import Broker
from worker.adapters.nodes import Nodes
from worker.cli import joining, seeing, spans, standing, tables
from worker.cli.reports import Reports
from worker.cli.standing import Standing
from worker.core import pauses

COMMAND = "status"


def run(*, as_json: bool) -> int:
    """Show how the system stands.

    Returns:
        The exit code.
    """

    def body() -> int:
        now = standing.look()
        if as_json:
            tables.document(standing.document(now))
        else:
            _show(rows(now))
            for sentence in advice(now):
                joining.complain(COMMAND, sentence)
        return standing.exit_code(now)

    return joining.run(COMMAND, body)


def rows(now: Standing) -> list[tuple[str, Text]]:
    """For people: a word, and what is to be said of it."""
    return [
        ("READY", _ready(now)),
        ("HOSTS", _hosts(now)),
        ("TARGETS", _targets(now)),
        ("PASSES", _passes(now)),
        ("WORKERS", _workers(now.nodes)),
        ("QUEUES", Text(_waiting(now.broker))),
        ("BROKER", Text(_broker(now))),
        ("PAUSED", _paused(now.paused)),
    ]


def _ready(now: Standing) -> Text:
    readiness = now.readiness
    if readiness.ready:
        return Text("yes", style="green")
    text = Text.assemble(("no", "red"), f": {tables.plain(readiness.why)}")
    if readiness.retry_after_s:
        text.append(f"; about {format_short(readiness.retry_after_s)} left")
    return text


def _hosts(now: Standing) -> Text:
    if not now.hosts:
        return Text("-")
    parts = []
    for state, style in (
        (HostState.UP, "green"),
        (HostState.UNKNOWN, "yellow"),
        (HostState.DOWN, "red"),
    ):
        names = [h.host for h in now.hosts if h.state is state]
        if names:
            which = "" if state is HostState.UP else f" ({', '.join(names)})"
            parts.append(Text.assemble((f"{len(names)} {state.value}", style), which))
    return Text(", ").join(parts)


def _targets(now: Standing) -> Text:
    counted = now.conditions()
    if not counted:
        return Text("none is wanted" if now.hosts else "-")
    parts = [
        Text.assemble((f"{number} {condition.value}", tables.STYLES[condition]))
        for condition, number in counted.items()
    ]
    return Text(", ").join(parts)


def _passes(now: Standing) -> Text:
    if not now.hosts:
        return Text("none has reported", style="red")
    last = max(now.hosts, key=lambda host: host.at)
    acting = "act" if last.enabled else "only observe"
    age, tick = spans.age(now.at - last.at), format_short(last.tick_s)
    text = f"{acting}, every {tick}; the last one {age} ago"
    return Text(text, style="" if now.is_observed else "red")


def _workers(found: Nodes) -> Text:
    if not found.workers:
        return Text("none answers", style="red")
    names = ", ".join(name.partition("@")[0] for name in found.workers)
    beat = "beat answers" if found.beats else "beat does not answer"
    return Text(f"{len(found.workers)} ({names}); {beat}")


def _waiting(told: Broker) -> str:
    waiting = [f"{name} {number}" for name, number in told.waiting.items() if number]
    return ", ".join(waiting) if waiting else "nothing waits"


def _broker(now: Standing) -> str:
    told = now.broker
    used = f", {tables.size(told.used_bytes)} used" if told.used_bytes else ""
    return f"{now.where}, {told.version}{used}"


def _paused(names: frozenset[str]) -> Text:
    if not names:
        return Text("nothing")
    shown = ", ".join(pauses.shown(name) for name in sorted(names))
    return Text(shown, style="yellow")


def advice(now: Standing) -> Iterator[str]:
    """What a person should know beside it, most important first."""
    if now.missing:
        yield now.missing
    if not now.nodes.workers:
        yield "no worker answers: start the system with `ollama-warmup up`"
    if now.hosts:
        seen = Reports(hosts=tuple(now.hosts), now=now.at)
        yield from seeing.advice(seen)
    if now.paused:
        yield "what is paused goes on with: ollama-warmup resume"


def _show(lines: Sequence[tuple[str, Text]]) -> None:
    if not sys.stdout.isatty():
        sys.stdout.writelines(f"{word:<9}{text.plain}\n" for word, text in lines)
        return
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for word, text in lines:
        table.add_row(word, text)
    Console(highlight=False).print(table)
