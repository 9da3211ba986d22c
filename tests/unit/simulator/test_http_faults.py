"""Faults, statistics and several hosts, over HTTP."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from worker.simulator.presets import PresetName, host_config
from worker.simulator.server import Listening, simulator_in_thread

GENERATE = "/api/generate"
TINY = {"model": "tiny", "stream": False}


@pytest.fixture
def simulator():
    config = host_config(PresetName.WIRE, speed=50)
    at = Listening(hosts=2, control_port=0)
    with simulator_in_thread(config, at=at) as running:
        yield running


@pytest.fixture
def api(simulator):
    with httpx.Client(base_url=simulator.url) as client:
        yield client


@pytest.fixture
def control(simulator):
    with httpx.Client(base_url=simulator.control_url) as client:
        yield client


def switch_on(client, kind, **fields):
    answer = client.post("/_sim/faults", json={"fault": kind, **fields})
    assert answer.status_code == 200, answer.text


def comes_to_pass(api, count):
    """Whether a statistic is not 0 any more within 2,000 looks, which take seconds."""
    return any(api.get("/_sim/stats").json()[count] for _ in range(2_000))


def test_a_faulty_status_is_answered_as_often_as_the_fault_says(api):
    switch_on(api, "status", status=502, error="bad", path="/api/ps", times=1)

    first, second = api.get("/api/ps"), api.get("/api/ps")

    assert (first.status_code, first.json()) == (502, {"error": "bad"})
    assert second.status_code == 200


def test_a_full_queue_is_a_503_for_one_model(api):
    switch_on(api, "queue_full", model="tiny")

    refused = api.post(GENERATE, json=TINY)
    served = api.post(GENERATE, json={**TINY, "model": "tiny2"})

    assert refused.status_code == 503
    assert refused.json()["error"].startswith("server busy, please try again.  max")
    assert served.status_code == 200


@pytest.mark.parametrize(("kind", "path"), [("hang", GENERATE), ("ps_hang", "/api/ps")])
def test_a_hanging_path_never_answers_and_others_do(api, kind, path):
    switch_on(api, kind, **({"path": path} if kind == "hang" else {}))

    with pytest.raises(httpx.ReadTimeout):
        api.request("POST" if path == GENERATE else "GET", path, timeout=0.1)

    assert api.get("/api/version").status_code == 200


def test_a_stream_that_ends_early_is_a_200_without_an_answer(api):
    switch_on(api, "early_end", times=1)

    answer = api.post(GENERATE, json={**TINY, "prompt": "x"})

    assert answer.status_code == 200
    assert answer.json() == {
        "model": "",
        "created_at": "0001-01-01T00:00:00Z",
        "response": "",
        "done": False,
    }


def test_out_of_memory_is_a_500_once_nothing_is_left_to_evict(api):
    switch_on(api, "out_of_memory", times=1)

    answer = api.post(GENERATE, json=TINY)

    assert answer.status_code == 500
    assert "out of memory" in answer.json()["error"]
    assert api.get("/_sim/stats").json()["failed_loads"] == 1


def test_a_crashed_runner_stays_listed_until_the_next_request_reloads(api):
    api.post(GENERATE, json=TINY)

    switch_on(api, "crash", model="tiny")

    assert len(api.get("/api/ps").json()["models"]) == 1
    assert api.post(GENERATE, json=TINY).json()["done_reason"] == "load"
    history = api.get("/_sim/history").json()["history"]
    assert [stay["why"] for stay in history] == ["crashed", None]


def test_the_record_of_requests_has_their_caller_and_their_instants(api):
    api.post(GENERATE, json=TINY | {"keep_alive": "9s"}, headers={"User-Agent": "app"})
    api.post(GENERATE, json=TINY | {"prompt": "x", "options": {"num_predict": 1}})
    api.post(GENERATE, json=TINY | {"keep_alive": 0})

    load, answer, unload = api.get("/_sim/requests").json()["requests"]
    assert (load["caller"], load["infers"], load["keep_alive_s"]) == ("app", False, 9)
    assert load["asked_at"] < load["granted_at"] <= load["ended_at"]
    assert (answer["infers"], answer["keep_alive_s"]) == (True, None)
    assert answer["asked_at"] <= answer["granted_at"] < answer["ended_at"]
    assert (unload["keep_alive_s"], unload["granted_at"]) == (0, None)


def test_a_crash_ends_the_work_of_the_runner_with_an_error(api, simulator):
    long = {"model": "mid", "prompt": "x", "stream": False}
    long["options"] = {"num_predict": 100_000}
    with ThreadPoolExecutor() as pool:
        working = pool.submit(httpx.post, simulator.url + GENERATE, json=long)
        assert comes_to_pass(api, "busy")

        switch_on(api, "crash")

        assert working.result().status_code == 500
        assert "unexpectedly stopped" in working.result().json()["error"]


def test_a_skewed_clock_shows_in_the_date_and_in_the_expiry_alike(api):
    api.post(GENERATE, json=TINY)
    before = _date(api.get("/api/ps"))

    switch_on(api, "clock_skew", seconds=7200)

    answer = api.get("/api/ps")
    [row] = answer.json()["models"]
    expires_at = datetime.fromisoformat(row["expires_at"])
    assert 7000 < (_date(answer) - before).total_seconds() < 7400
    assert 0 < (expires_at - _date(answer)).total_seconds() < 40


def test_a_legacy_server_embeds_with_any_model_and_shows_no_context(api):
    switch_on(api, "legacy")

    answer = api.post("/api/embed", json={"model": "tiny", "input": "x"})

    assert answer.status_code == 200
    [row] = api.get("/api/ps").json()["models"]
    assert "context_length" not in row


def test_a_model_can_fall_back_to_the_cpu():
    config = host_config(PresetName.DEMO, speed=1000)
    with (
        simulator_in_thread(config) as running,
        httpx.Client(base_url=running.url) as api,
    ):
        api.post(GENERATE, json={"model": "qwen3:4b"})
        switch_on(api, "cpu", model="qwen3:4b")

        [row] = api.get("/api/ps").json()["models"]

    assert row["size_vram"] == 0


def test_a_refused_connection_leaves_the_control_port_alone(api, control):
    switch_on(control, "refuse")

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{api.base_url}/api/ps")
    assert control.get("/_sim/stats").status_code == 200

    control.delete("/_sim/faults")
    assert httpx.get(f"{api.base_url}/api/ps").status_code == 200


def test_without_a_control_port_a_connection_cannot_be_refused():
    with (
        simulator_in_thread() as running,
        httpx.Client(base_url=running.url) as api,
    ):
        answer = api.post("/_sim/faults", json={"fault": "refuse"})

    assert answer.status_code == 400
    assert "control port" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "told"),
    [(b"", "write a JSON object"), (b"[]", "write a JSON"), (b"{}", "known: refuse")],
)
def test_a_bad_fault_is_refused_with_a_sentence(api, body, told):
    answer = api.post("/_sim/faults", content=body)

    assert answer.status_code == 400
    assert told in answer.json()["error"]


def test_faults_are_listed_and_switched_off_by_kind(api):
    switch_on(api, "slow", factor=2)
    switch_on(api, "hang", model="tiny")

    api.delete("/_sim/faults", params={"fault": "slow"})

    assert api.get("/_sim/faults").json() == {
        "faults": [{"id": 2, "fault": "hang", "model": "tiny"}]
    }
    assert api.delete("/_sim/faults", params={"fault": "x"}).status_code == 400


def test_statistics_count_loads_and_requests_but_not_themselves(api):
    api.post(GENERATE, json=TINY)
    api.get("/api/ps")

    stats = api.get("/_sim/stats").json()

    assert (stats["loads"], stats["resident"]) == (1, 1)
    assert stats["requests"] == {"/api/generate": 1, "/api/ps": 1}


def test_each_host_is_a_server_of_its_own(simulator, control):
    first, second = simulator.urls
    httpx.post(first + GENERATE, json=TINY)

    loads = [
        control.get("/_sim/stats").json()["loads"],
        control.get("/_sim/hosts/1/stats").json()["loads"],
        control.get("/_sim/stats", params={"host": 0}).json()["loads"],
        httpx.get(f"{second}/_sim/stats").json()["loads"],
    ]

    assert loads == [1, 0, 1, 0]
    assert control.get("/_sim/hosts/2/stats").status_code == 404
    assert control.get("/_sim/nothing").status_code == 404


def test_hanging_up_cancels_the_load(api):
    with pytest.raises(httpx.ReadTimeout):
        api.post(GENERATE, json={"model": "big"}, timeout=0.03)

    assert comes_to_pass(api, "cancelled_loads")
    stats = api.get("/_sim/stats").json()
    assert (stats["loads"], stats["resident"]) == (1, 0)


def test_hanging_up_frees_the_slot(api):
    long = {"model": "tiny", "prompt": "x", "options": {"num_predict": 1_000_000}}
    with api.stream("POST", GENERATE, json=long) as answer:
        next(answer.iter_lines())

    short = {**TINY, "prompt": "x", "options": {"num_predict": 1}}
    assert api.post(GENERATE, json=short).json()["done_reason"] == "length"


def _date(answer):
    assert re.search("GMT$", answer.headers["date"])
    return parsedate_to_datetime(answer.headers["date"])
