import pytest

from ollama_warmup.report import Condition, HostState
from tests.support.builders import NOW, holder
from tests.support.host_reports import host_report, target_report
from worker.web import status
from worker.web.status import Looked, Snapshot


def shown(*reports, find="", limit=100):
    chosen = status.choose(reports, Looked(find=find, limit=limit))
    return [(h.host, t.model) for h in chosen.hosts for t in h.targets]


def snapshot(*reports, **more):
    return Snapshot(now=NOW, reports=reports, **more)


def test_a_load_that_began_since_the_pass_is_seen():
    cold = target_report("llama3:8b", Condition.COLD, wanted="llama3:8b?num_ctx=8192")
    meant = status.meaning("gpu-1", cold.wanted)
    assert meant

    reported = host_report(cold, target_report("b"))
    [report] = status.current(
        snapshot(reported, holders={"gpu-1": holder(meant.key, began_at=NOW - 4)})
    )

    loading, other = report.targets
    assert (loading.condition, loading.since) == (Condition.LOADING, NOW - 4)
    assert (loading.elapsed_s, loading.expected_s) == (4, 8)
    assert other.condition is Condition.WARM


def test_the_targets_of_a_report_that_is_too_old_are_unknown():
    [report] = status.current(
        snapshot(host_report(target_report(left_s=300.0), age_s=31))
    )

    [unknown] = report.targets
    assert unknown.condition is Condition.UNKNOWN
    assert unknown.why.startswith("not observed since 1970-01-12 13:46:09")
    assert (unknown.is_ready, unknown.left_s, unknown.since) == (False, None, NOW - 31)


def test_hosts_with_a_problem_come_first_then_by_their_names():
    reports = [
        host_report(target_report(), name="gpu-10"),
        host_report(target_report("x", Condition.COLD), name="gpu-2"),
        host_report(target_report("y", Condition.FAILING), name="gpu-9"),
        host_report(name="gpu-11", state=HostState.DOWN),
    ]

    chosen = status.choose(reports, Looked())

    assert [h.host for h in chosen.hosts] == ["gpu-9", "gpu-11", "gpu-2", "gpu-10"]


def test_a_host_with_a_load_comes_before_a_warm_one_only_if_not_all_are_shown():
    reports = [
        host_report(target_report(), name="a"),
        host_report(target_report("x", Condition.LOADING), name="b"),
    ]

    assert [name for name, _ in shown(*reports)] == ["a", "b"]
    assert [name for name, _ in shown(*reports, limit=1)] == ["b"]


def test_targets_that_are_left_out_are_counted_by_host():
    reports = [
        host_report(target_report("x"), target_report("y"), name=name)
        for name in ("a", "b", "c")
    ]

    chosen = status.choose(reports, Looked(limit=3))

    assert [(h.host, len(h.targets)) for h in chosen.hosts] == [("a", 2), ("b", 1)]
    assert chosen.left_out == {"a": 0, "b": 1}
    assert chosen.found == 6


@pytest.mark.parametrize(
    ("find", "models"),
    [
        ("", ["llama3:8b", "mid", "mid"]),
        ("llama", ["llama3:8b"]),
        ("gpu-2", ["mid"]),
        ("COLD mid", ["mid"]),
        ("gpu-1 cold", ["mid"]),
        ("nothing", []),
    ],
)
def test_a_target_is_meant_if_it_has_every_word(find, models):
    one = host_report(target_report(), target_report("mid", Condition.COLD))
    two = host_report(target_report("mid"), name="gpu-2")

    assert [model for _, model in shown(one, two, find=find)] == models


def test_counts_are_of_all_targets_whatever_the_search():
    reports = (
        host_report(target_report(), target_report("x", Condition.COLD), name="a"),
        host_report(name="b"),
    )

    seen = status.overview(snapshot(*reports), reports)

    assert seen.counts == {Condition.COLD: 1, Condition.WARM: 1}
    assert (seen.ready, seen.total, seen.hosts_total) == (1, 2, 2)
    assert (seen.observed_at, seen.is_observed) == (NOW - 2, True)


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ([], "Not observed yet"),
        ([host_report(age_s=31)], "Not observed since 1970-01-12 13:46:09 UTC"),
        ([host_report(warm_list_problem="line 3: no")], "is not taken up: line 3: no"),
        (
            [host_report(target_report(), name="a", enabled=False)],
            "OLLAMA_WARMUP_ENABLED=true",
        ),
    ],
)
def test_a_notice_says_why_the_page_may_be_wrong_or_nothing_is_sent(reports, told):
    [notice] = status.overview(snapshot(*reports), reports).notices

    assert told in notice


def test_the_same_problem_of_many_hosts_is_one_notice():
    reports = [
        host_report(target_report(), name=n, warm_list_problem="line 3") for n in "abc"
    ]

    assert len(status.overview(snapshot(*reports), reports).notices) == 1


def test_paused_names_are_shown_as_people_write_them():
    paused = status.paused({"*", "gpu-1", "registry.ollama.ai/library/llama3:8b"})

    assert [p.shown for p in paused] == ["everything", "gpu-1", "llama3:8b"]


def test_a_sentence_is_bounded_and_has_no_login():
    told = status.text("http://me:hunter2@gpu:11434 does not answer " + "x" * 500)

    assert told.startswith("http://gpu:11434 does not answer")
    assert len(told) == status.LONGEST
