import pytest

from worker.simulator.faults import BadFaultError, Faults, Kind


def test_a_fault_strikes_as_often_as_it_says():
    faults = Faults()
    faults.add({"fault": "hang", "times": 2})

    struck = [faults.strike(Kind.HANG) is not None for _ in range(3)]

    assert struck == [True, True, False]
    assert faults.on == ()


@pytest.mark.parametrize(
    ("limits", "model", "path", "expected"),
    [
        ({}, None, "/api/ps", True),
        ({"path": "/api/ps"}, None, "/api/ps", True),
        ({"path": "/api/ps"}, None, "/api/tags", False),
        ({"model": "tiny"}, "tiny:latest", "/api/chat", True),
        ({"model": "tiny"}, "mid", "/api/chat", False),
        ({"model": "tiny"}, None, "/api/ps", False),
    ],
)
def test_a_fault_strikes_only_requests_of_its_model_and_path(
    limits, model, path, expected
):
    faults = Faults()
    faults.add({"fault": "queue_full", **limits})

    struck = faults.strike(Kind.QUEUE_FULL, model=model, path=path)

    assert (struck is not None) is expected


def test_faults_are_cleared_by_kind_or_all():
    faults = Faults()
    for kind in ("hang", "slow", "legacy"):
        faults.add({"fault": kind})

    assert faults.clear("slow") == 1
    assert [fault.kind for fault in faults.on] == [Kind.HANG, Kind.LEGACY]
    assert faults.clear() == 2


def test_a_crash_is_not_kept_in_the_list_of_faults():
    faults = Faults()

    faults.add({"fault": "crash"})

    assert faults.on == ()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "known: refuse, hang"),
        ({"fault": "hangs"}, "known: refuse, hang"),
        ({"fault": "hang", "modle": "x"}, "it takes model, path, times"),
        ({"fault": "refuse", "times": 1}, "it takes no other field"),
        ({"fault": "status", "status": 99}, "out of range"),
        ({"fault": "status", "status": 600}, "out of range"),
        ({"fault": "slow", "factor": 0}, "out of range"),
        ({"fault": "hang", "times": "2"}, "must be a number"),
        ({"fault": "hang", "times": True}, "must be a number"),
        ({"fault": "hang", "path": ""}, "must be a text"),
    ],
)
def test_a_malformed_fault_is_refused_with_the_values_to_write(given, told):
    with pytest.raises(BadFaultError, match=told):
        Faults().add(given)


def test_every_fault_is_shown_with_its_own_fields_only():
    faults = Faults()

    shown = faults.add({"fault": "slow", "model": "m", "factor": 2}).as_json()

    assert shown == {"id": 1, "fault": "slow", "factor": 2.0, "model": "m"}
