import pytest

from ollama_warmup import names, verdict
from ollama_warmup.report import Condition
from tests.support.builders import NOW
from tests.support.host_reports import host_report, target_report


def judge(*reports, model=None):
    name = names.parse(model) if model else None
    return verdict.judge(reports, model=name, now=NOW)


COLD = target_report("phi3", Condition.COLD)


def test_all_warm_is_ready():
    state = judge(
        host_report(target_report()), host_report(target_report("phi3"), name="gpu-2")
    )

    assert (state.ready, state.status, state.headers()) == (True, 200, {})
    assert [t.host for t in state.targets] == ["gpu-1", "gpu-2"]


def test_one_cold_target_is_enough_to_wait():
    state = judge(host_report(target_report(), COLD))

    assert (state.ready, state.status) == (False, 503)
    assert state.why == "phi3 on gpu-1 is cold"
    assert [t.model for t in state.cold] == ["phi3"]


def test_only_critical_targets_count_where_one_is_marked():
    state = judge(host_report(target_report(critical=True), COLD))

    assert state.ready
    assert [t.model for t in state.targets] == ["llama3:8b"]
    assert state.cold == ()


def test_a_drifted_target_may_still_be_ready():
    assert judge(
        host_report(target_report(condition=Condition.DRIFTED, is_ready=True))
    ).ready


@pytest.mark.parametrize("condition", [c for c in Condition if c != "cold"])
def test_only_a_cold_target_is_to_be_warmed_up(condition):
    assert (
        judge(host_report(target_report(condition=condition, is_ready=False))).cold
        == ()
    )


def test_a_model_is_ready_when_one_host_has_it():
    state = judge(
        host_report(target_report("phi3")),
        host_report(COLD, name="gpu-2"),
        model="PHI3:latest",
    )

    assert state.ready
    assert len(state.targets) == 2


def test_an_undeclared_model_is_not_found():
    state = judge(host_report(COLD), model="llama3")

    assert (state.status, state.headers(), state.cold) == (404, {}, ())
    assert state.why.startswith("llama3:latest is not declared: add it to OLLAMA_")


def test_a_system_that_declares_nothing_is_not_ready():
    state = judge(host_report())

    assert state.status == 503
    assert state.why.startswith("nothing is wanted: set OLLAMA_WARMUP_MODELS")


def test_before_the_first_pass_the_system_is_not_ready_and_says_why():
    state = judge()

    assert (state.status, state.headers()) == (503, {"Retry-After": "10"})
    assert state.why.startswith("not observed yet: are worker and beat running")


def test_a_report_of_three_ticks_is_too_old():
    assert judge(host_report(target_report(), age_s=30)).ready

    state = judge(host_report(target_report(), age_s=31))

    assert state.status == 503
    assert state.why == "not observed since 1970-01-12T13:46:09+00:00: is beat running?"


def test_a_target_on_a_host_without_passes_is_unknown_and_not_to_be_warmed_up():
    state = judge(
        host_report(target_report()), host_report(COLD, name="gpu-2", age_s=60)
    )

    assert state.why.startswith(
        "phi3 on gpu-2 is unknown (not observed since 1970-01-12T13:45:40"
    )
    assert state.cold == ()


def loading(expected_s=None, elapsed_s=None, model="phi3"):
    return target_report(
        model, Condition.LOADING, expected_s=expected_s, elapsed_s=elapsed_s
    )


@pytest.mark.parametrize(
    ("targets", "left_s"),
    [
        ((loading(30.0, 5.5),), 23),
        ((loading(30.0, 5.5), loading(60.0, 5.0, "llama3")), 53),
        ((loading(30.0, 5.5), COLD), 23),
        ((loading(5.0, 9.0),), None),
        ((loading(None, 5.0),), None),
        ((COLD,), None),
    ],
    ids=["one", "longest", "beside cold", "overdue", "unknown", "cold"],
)
def test_the_time_to_retry_after_is_the_rest_of_the_longest_load(targets, left_s):
    state = judge(host_report(*targets, tick_s=7))

    assert state.retry_after_s == left_s
    assert state.as_json().get("retry_after_s") == left_s
    assert state.headers() == {"Retry-After": str(left_s or 7)}


def test_for_a_model_the_first_host_that_will_have_it_counts():
    state = judge(
        host_report(loading(30.0, 5.0)),
        host_report(loading(9.0, 5.0), name="gpu-2"),
        model="phi3",
    )

    assert state.retry_after_s == 2


def test_the_body_says_for_which_targets_a_caller_waits():
    failing = target_report("phi3", Condition.FAILING, why="out of memory")

    assert judge(host_report(failing, loading(30.0, 5.5, "llama3"))).as_json() == {
        "ready": False,
        "why": "phi3 on gpu-1 is failing (out of memory); "
        "llama3 on gpu-1 is loading since 5.5s",
        "retry_after_s": 23,
        "targets": [
            {
                "host": "gpu-1",
                "model": "phi3",
                "condition": "failing",
                "is_ready": False,
                "why": "out of memory",
            },
            {
                "host": "gpu-1",
                "model": "llama3",
                "condition": "loading",
                "is_ready": False,
                "elapsed_s": 5.5,
                "expected_s": 30.0,
            },
        ],
    }


def test_the_reason_names_three_targets_and_counts_the_rest():
    many = [target_report(f"m{i}", Condition.COLD) for i in range(5)]

    assert judge(host_report(*many)).why == (
        "m0 on gpu-1 is cold; m1 on gpu-1 is cold; m2 on gpu-1 is cold; "
        "2 more are not ready"
    )
