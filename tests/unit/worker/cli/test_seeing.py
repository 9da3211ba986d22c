import pytest

from ollama_warmup.report import Condition, HostState, OtherReport
from tests.support.builders import NOW
from tests.support.host_reports import host_report, target_report
from worker.cli import choosing, seeing, tables
from worker.cli.reports import Reports


def seen(*hosts):
    return Reports(hosts=hosts, now=NOW)


def text(*hosts):
    return tables.lines(seeing.HEADINGS, seeing.rows(seen(*hosts)))[1:]


TABLE = """\
HOST   MODEL      CONDITION  SINCE  CONTEXT  UNTIL               WANTED        WHY
gpu-1  llama3:8b  warm       1m     8192     4 minutes from now  num_ctx=8192
gpu-1  mid        cold       1m     -        -                   yes           so
gpu-1  big        -          -      4096     Forever             not wanted
"""


def test_targets_and_foreign_residents_are_rows_of_one_table():
    warm = target_report(
        wanted="llama3:8b?num_ctx=8192", context_length=8192, left_s=301
    )
    cold = target_report("mid", Condition.COLD, why="so", is_ready=False)
    other = OtherReport(model="big", context_length=4096, left_s=None)

    rows = seeing.rows(seen(host_report(warm, cold, others=(other,))))

    assert tables.lines(seeing.HEADINGS, rows) == TABLE.splitlines()


@pytest.mark.parametrize(
    ("more", "until"),
    [
        ({"left_s": 61.9}, "59 seconds from now"),
        ({"left_s": 1.5}, "about now"),
        ({"left_s": -4.0}, "in use"),
        ({"is_forever": True}, "Forever"),
        ({}, "-"),
    ],
)
def test_the_time_left_is_that_of_the_report_less_the_age_of_the_report(more, until):
    [row] = seeing.rows(seen(host_report(target_report(**more))))

    assert row[5] == until


def test_the_problem_of_an_unknown_host_is_not_repeated_for_its_targets():
    problem = "gpu-1 (http://gpu-1:11434) does not answer /api/ps (refused)"
    unknown = target_report("a", Condition.UNKNOWN, why=problem, is_ready=False)
    down = host_report(unknown, state=HostState.DOWN, problem=problem)

    assert text(down)[0].endswith("yes     its host is down")
    assert seeing.advice(seen(down)) == [problem]


def test_a_problem_that_does_not_name_its_host_is_printed_with_it():
    bad = host_report(state=HostState.UNKNOWN, problem="HTTP 401")

    assert seeing.advice(seen(bad)) == ["gpu-1: HTTP 401"]
    assert text(bad)[0].split()[:4] == ["gpu-1", "-", "-", "-"]
    assert text(bad)[0].endswith("its host gave no answer")


def test_a_host_without_targets_and_residents_is_a_row_of_its_own():
    assert text(host_report())[0].endswith("nothing is wanted, nothing is loaded")


@pytest.mark.parametrize(
    ("hosts", "code"),
    [
        ([host_report(target_report())], 0),
        ([host_report()], 0),
        ([host_report(target_report(), target_report("b", is_ready=False))], 1),
        ([host_report(target_report(), age_s=31)], 4),
        (
            [
                host_report(target_report()),
                host_report(target_report(), name="gpu-2", age_s=31),
            ],
            4,
        ),
        ([host_report(target_report(), age_s=4, tick_s=1)], 4),
        ([host_report(target_report(), age_s=100, tick_s=60)], 0),
    ],
)
def test_the_exit_code_says_whether_all_are_ready_and_believed(hosts, code):
    assert seeing.exit_code(seen(*hosts)) == code


def test_old_reports_are_printed_with_the_processes_to_look_at():
    [all_old] = seeing.advice(seen(host_report(target_report(), age_s=300)))
    [one_old] = seeing.advice(seen(host_report(), host_report(name="gpu-2", age_s=300)))

    assert all_old.startswith("nothing was observed since ")
    assert ", 5m ago: are beat and a worker of ollama.control running?" in all_old
    assert one_old.startswith("gpu-2 was not observed since ")


def test_passes_that_only_observe_are_printed_with_the_variable_to_set():
    [told] = seeing.advice(seen(host_report(target_report(), enabled=False)))

    assert "OLLAMA_WARMUP_ENABLED=true" in told
    assert seeing.advice(seen(host_report(enabled=False))) == []


def test_a_refused_warm_list_is_printed_once_for_all_hosts():
    refused = [
        host_report(name=n, warm_list_problem="line 3: no") for n in ("gpu-1", "gpu-2")
    ]

    assert seeing.advice(seen(*refused)) == [
        "the changed warm list is not taken up: line 3: no"
    ]


def test_the_chosen_models_leave_out_hosts_without_them():
    both = seen(
        host_report(target_report("a"), target_report("b")),
        host_report(target_report("c"), name="gpu-2"),
    )

    of_model = seeing.choose(both, choosing.choose(["b"], both.known))
    of_host = seeing.choose(both, choosing.choose(["gpu-2"], both.known))

    assert [(h.host, t.model) for h in of_model.hosts for t in h.targets] == [
        ("gpu-1", "b")
    ]
    assert [h.host for h in of_host.hosts] == ["gpu-2"]


def test_json_has_the_report_of_each_host_with_its_age():
    document = seeing.document(seen(host_report(target_report(), age_s=2.5)))

    [only] = document["hosts"]
    assert document["at"] == NOW
    assert (only["age_s"], only["is_old"], only["state"]) == (2.5, False, "up")
    assert only["targets"][0]["condition"] == "warm"
