"""What `top` shows at one instant, in the room that a terminal has. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ollama_warmup.durations import format_short
from ollama_warmup.report import Condition, HostReport, OtherReport, TargetReport
from ollama_warmup.verdict import is_stale
from worker.cli import seeing, spans, tables
from worker.cli.reports import Reports

SOON_S = 30.0
"""Less time than this until it is cold is shown in another colour."""
LINES = 4
"""Of the screen that are no rows: title, headings, and two at the end."""
HEADINGS = ("HOST", "MODEL", "CONDITION", "UNTIL COLD", "CONTEXT", "WHY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a frame has to say."""

    seen: Reports
    """With the present instant."""
    problem: str = ""
    """Why it is not read anew."""


def frame(screen: Screen, *, height: int) -> RenderableType:
    """One picture.

    Args:
        screen: what to show.
        height: lines that there are.
    """
    found = rows(screen.seen)
    room = max(height - LINES, 1)
    shown = found if len(found) <= room else found[: max(room - 1, 0)]
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    for heading in HEADINGS:
        is_last = heading == HEADINGS[-1]
        table.add_column(
            heading,
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if is_last else None,
            justify="right" if heading == "UNTIL COLD" else "left",
        )
    for row in shown:
        table.add_row(*row)
    hidden = len(found) - len(shown)
    more = [Text(f"{hidden} more do not fit", style="dim")] if hidden else []
    return Group(_title(screen), table, *more, Text("q ends", style="dim"))


def _title(screen: Screen) -> Text:
    seen = screen.seen
    if screen.problem:
        return _line(screen.problem, "red")
    old = next((said for said in seeing.advice(seen) if _is_old(seen)), None)
    if old:
        return _line(old, "red")
    targets = [target for host in seen.hosts for target in host.targets]
    ready = sum(target.is_ready for target in targets)
    last = max(seen.hosts, key=lambda host: host.at, default=None)
    age = f", seen {spans.age(seen.now - last.at)} ago" if last else ""
    style = "green" if ready == len(targets) else "yellow"
    return _line(f"{ready} of {len(targets)} targets are ready{age}", style)


def _line(text: str, style: str) -> Text:
    return Text(tables.plain(text), style=style, no_wrap=True, overflow="ellipsis")


def _is_old(seen: Reports) -> bool:
    return any(is_stale(host, seen.now) for host in seen.hosts)


def rows(seen: Reports) -> list[tables.Row]:
    """Targets, then what is loaded beside them, host by host."""
    return [row for host in seen.hosts for row in _of_host(host, seen.now)]


def _of_host(host: HostReport, now: float) -> Iterator[tables.Row]:
    age_s = now - host.at
    for target in host.targets:
        yield (
            host.host,
            target.model,
            tables.condition(target.condition),
            _target(target, age_s),
            str(target.context_length or "-"),
            tables.plain(target.why),
        )
    for other in host.others:
        context = str(other.context_length or "-")
        yield host.host, other.model, "-", _other(other, age_s), context, "not wanted"
    if not host.targets and not host.others:
        yield host.host, "-", "-", "-", "-", tables.plain(host.problem or "nothing")


def _target(target: TargetReport, age_s: float) -> Text:
    if target.condition is Condition.LOADING and target.elapsed_s is not None:
        elapsed = format_short(round(target.elapsed_s + age_s))
        usually = f" of {format_short(target.expected_s)}" if target.expected_s else ""
        return Text(f"{elapsed}{usually}", style="cyan")
    if target.is_forever:
        return Text("never")
    return Text("-") if target.left_s is None else countdown(target.left_s, age_s)


def _other(other: OtherReport, age_s: float) -> Text:
    return Text("never") if other.left_s is None else countdown(other.left_s, age_s)


def countdown(left_s: float, age_s: float) -> Text:
    """What is left by now of what was left when the host was looked at.

    Args:
        left_s: seconds; negative = busy.
        age_s: of that look, seconds.
    """
    if left_s < 0:
        return Text("in use", style="green")
    now_s = left_s - age_s
    if now_s <= 0:
        return Text("about now", style="red")
    style = "yellow" if now_s < SOON_S else ""
    return Text(clock(now_s), style=style)


def clock(seconds: float) -> str:
    """Seconds of a countdown: `4:09`, `1:00:05`, `2d 3h`."""
    whole = int(seconds)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, secs = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
