import io

import pytest
from rich.console import Console

from worker.cli import examining
from worker.doctor.finding import Check, note, ok, problem, warning

ILL = problem(
    Check.RUNNING,
    "nobody listens",
    where="gpu-1",
    evidence="connection refused",
    next_step="ollama serve",
)
FINDINGS = [
    ok(Check.SETTINGS, "all are right"),
    note(Check.CLOCKS, "apart", where="gpu-2"),
    ILL,
    ok(Check.RUNNING, "it answers", where="gpu-2"),
    warning(Check.CPU, "is it slow?", next_step="make room"),
]


def test_the_worst_finding_comes_first_and_ok_checks_are_one_line(capsys):
    examining.show(FINDINGS, show_all=False)

    head, *rows, fine, unchecked, summary = capsys.readouterr().out.splitlines()
    assert head.split() == ["SEVERITY", "CHECK", "WHERE", "FINDING"]
    assert [" ".join(row.split()) for row in rows] == [
        "problem running gpu-1 nobody listens (connection refused). Next: ollama serve",
        "warning cpu - is it slow? Next: make room",
        "note clocks gpu-2 apart",
    ]
    assert fine == "ok: settings"
    assert unchecked.startswith("not checked: foreign-variables, ollama-variables, ")
    assert summary.startswith("1 problem, 1 warning, 1 note; docs/troubleshoot.md")


def test_ok_checks_are_rows_of_the_table_on_demand(capsys):
    examining.show(FINDINGS, show_all=True)

    shown = capsys.readouterr().out
    assert "ok        settings" in shown
    assert "\nok: " not in shown


@pytest.mark.parametrize(("found", "code"), [(FINDINGS, 1), (FINDINGS[:2], 0)])
def test_only_a_problem_is_a_failure(found, code):
    assert examining.exit_code(found) == code


def test_a_terminal_has_evidence_and_next_step_on_lines_of_their_own():
    console = Console(width=60, file=io.StringIO(), color_system=None)
    console.print(examining.table([ILL, FINDINGS[0]]))

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.strip() for line in lines[1:5]] == [
        "problem   running   gpu-1: nobody listens",
        "connection refused",
        "→ ollama serve",
        "",
    ]


def test_json_has_every_finding_and_the_checks_that_were_not_made():
    document = examining.document(FINDINGS)

    assert document["counts"] == {"problem": 1, "warning": 1, "note": 1, "ok": 2}
    assert document["findings"][2] == {
        "check": "running",
        "severity": "problem",
        "what": "nobody listens",
        "where": "gpu-1",
        "evidence": "connection refused",
        "next_step": "ollama serve",
    }
    assert "redis" in document["not_checked"]
