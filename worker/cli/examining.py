"""Shows what `worker.doctor` finds, the worst first."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ollama_warmup.errors import BadSettings
from worker.cli import joining, tables
from worker.doctor import gather, judging
from worker.doctor.finding import Check, Finding, Severity

WELL, ILL = 0, 1
"""Exit codes."""
HEADINGS = ("SEVERITY", "CHECK", "WHERE", "FINDING")
STYLES = {
    Severity.PROBLEM: "red",
    Severity.WARNING: "yellow",
    Severity.NOTE: "cyan",
    Severity.OK: "green",
}
"""The colour of each severity, which always stands beside its word."""
ORDER = list(STYLES)
"""The worst first."""


def run(*, show_all: bool, as_json: bool) -> int:
    """Look for what is wrong, and say so.

    Returns:
        The exit code.
    """
    own = dict(os.environ)
    with suppress(BadSettings):  # which is one of the things to find
        joining.join()
    with _progress(is_off=as_json) as tell:
        facts = gather.gather(own, tell=tell)
    findings = judging.judge(facts)
    if as_json:
        tables.document(document(findings))
    else:
        show(findings, show_all=show_all)
    return exit_code(findings)


def exit_code(findings: Sequence[Finding]) -> int:
    """Whether something does not work."""
    is_ill = any(finding.severity is Severity.PROBLEM for finding in findings)
    return ILL if is_ill else WELL


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """For scripts: every finding, and what could not be checked."""
    counted = Counter(finding.severity for finding in findings)
    return {
        "counts": {severity.value: counted[severity] for severity in ORDER},
        "findings": [asdict(finding) for finding in findings],
        "not_checked": [check.value for check in unchecked(findings)],
    }


def unchecked(findings: Sequence[Finding]) -> list[Check]:
    """What could not be looked at, mostly for want of an answer."""
    made = {finding.check for finding in findings}
    return [check for check in Check if check not in made]


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """The worst first, and otherwise as they were found."""
    return sorted(findings, key=lambda finding: ORDER.index(finding.severity))


def show(findings: Sequence[Finding], *, show_all: bool) -> None:
    """Print findings for people; those that are ok only on demand."""
    shown = [
        finding
        for finding in in_order(findings)
        if show_all or finding.severity is not Severity.OK
    ]
    if sys.stdout.isatty():
        Console(highlight=False).print(table(shown))
    elif shown:
        for line in tables.lines(HEADINGS, [_row(finding) for finding in shown]):
            sys.stdout.write(f"{line}\n")
    for line in summary(findings, show_all=show_all):
        if sys.stdout.isatty():
            Console(highlight=False).print(line, markup=False)
        else:
            sys.stdout.write(f"{line}\n")


def _row(finding: Finding) -> tables.Row:
    """All of it in one line."""
    text = finding.what + (f" ({finding.evidence})" if finding.evidence else "")
    if finding.next_step:
        text += f"{'' if text.endswith(('?', '.')) else '.'} Next: {finding.next_step}"
    text = tables.plain(text)
    return finding.severity.value, finding.check.value, finding.where or "-", text


def table(findings: Sequence[Finding]) -> Table:
    """For a terminal, with evidence and next step on lines of their own."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in HEADINGS[:2]:
        table.add_column(heading, no_wrap=True)
    table.add_column(HEADINGS[3], overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.severity.value, style=STYLES[finding.severity]),
            finding.check.value,
            _cell(finding),
        )
    return table


def _cell(finding: Finding) -> Text:
    where = f"{finding.where}: " if finding.where else ""
    text = Text.assemble((where, "bold"), tables.plain(finding.what))
    if finding.evidence:
        text.append(f"\n{tables.plain(finding.evidence)}", style="dim")
    if finding.next_step:
        text.append(f"\n→ {tables.plain(finding.next_step)}")
    return text if finding.severity is Severity.OK else text.append("\n")


def summary(findings: Sequence[Finding], *, show_all: bool) -> Iterator[str]:
    """What there is to say beside the findings."""
    bad = {finding.check for finding in findings if finding.severity is not Severity.OK}
    fine = [c.value for c in Check if c in {f.check for f in findings} - bad]
    if fine and not show_all:
        yield f"ok: {', '.join(fine)}"
    if missing := unchecked(findings):
        yield f"not checked: {', '.join(check.value for check in missing)}"
    counted = Counter(finding.severity for finding in findings)
    told = [
        f"{counted[severity]} {severity.value}{'s' * (counted[severity] != 1)}"
        for severity in ORDER[:3]
        if counted[severity]
    ]
    yield f"{', '.join(told) or 'nothing is wrong'}; docs/troubleshoot.md has more"


@contextmanager
def _progress(*, is_off: bool) -> Iterator[gather.Tell]:
    """Say what is being done, on a terminal."""
    console = Console(stderr=True, highlight=False)
    if is_off or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("looks around") as status:
        yield lambda text: status.update(f"doctor {text}")
