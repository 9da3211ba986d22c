import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from worker.simulator.physics.downloads import Downloads
from worker.simulator.presets import PresetName, host_config
from worker.simulator.server import simulator_in_thread
from worker.simulator.specs import parse_models

FAR = parse_models(["far?size=1GB&pull=10s", "farther?of=far&num_ctx=512"])
WEIGHTS = FAR[0].weights


def test_a_download_pauses_while_no_request_waits_for_it():
    downloads = Downloads()
    downloads.join(WEIGHTS, now=0)
    downloads.leave(WEIGHTS, now=3)
    downloads.join(WEIGHTS, now=100)

    assert downloads.completed(WEIGHTS, now=102) == 500_000_000
    assert downloads.completed(WEIGHTS, now=1_000) == 1_000_000_000


def test_two_requests_for_the_same_weights_share_one_download():
    downloads = Downloads()
    downloads.join(WEIGHTS, now=0)
    downloads.join(WEIGHTS, now=1)
    downloads.leave(WEIGHTS, now=2)

    assert downloads.completed(WEIGHTS, now=5) == 500_000_000
    assert downloads.fetched_bytes == 500_000_000


def test_the_bytes_of_an_ended_download_are_counted_once():
    downloads = Downloads()
    downloads.join(WEIGHTS, now=0)
    downloads.completed(WEIGHTS, now=99)
    downloads.end(WEIGHTS)
    downloads.leave(WEIGHTS, now=99)

    assert downloads.fetched_bytes == 1_000_000_000


@pytest.fixture
def api():
    config = host_config(PresetName.WIRE, models=FAR, speed=100)
    with (
        simulator_in_thread(config) as simulator,
        httpx.Client(base_url=simulator.url) as client,
    ):
        yield client


def pulled(api, model="far"):
    text = api.post("/api/pull", json={"model": model}).text
    return [json.loads(line) for line in text.splitlines()]


def installed(api):
    return {row["name"] for row in api.get("/api/tags").json()["models"]}


def test_a_model_with_a_time_to_pull_is_only_in_the_registry(api):
    assert "far:latest" not in installed(api)

    lines = pulled(api)

    digest = WEIGHTS.digest
    assert lines[0] == {"status": "pulling manifest"}
    assert lines[1]["status"] == f"pulling {digest[:12]}"
    assert lines[1]["digest"] == f"sha256:{digest}"
    assert lines[1]["total"] == 1_000_000_000
    assert 0 < lines[1]["completed"] < lines[5]["completed"] < 1_000_000_000
    assert [line["status"] for line in lines[-3:]] == [
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]
    assert "far:latest" in installed(api)


def test_weights_that_are_there_are_not_fetched_again(api):
    pulled(api)

    lines = pulled(api, "farther")

    assert len(lines) == 5
    assert lines[1]["completed"] == lines[1]["total"]
    assert api.get("/_sim/stats").json()["pulled_bytes"] == 1_000_000_000


def test_a_request_that_hangs_up_leaves_the_bytes_that_were_fetched(api):
    with api.stream("POST", "/api/pull", json={"model": "far"}) as response:
        lines = response.iter_lines()
        last = [json.loads(next(lines)) for _ in range(5)][-1]

    first = pulled(api)[1]

    assert first["completed"] >= last["completed"]
    assert api.get("/_sim/stats").json()["pulled_bytes"] == 1_000_000_000


def test_two_pulls_at_once_fetch_the_weights_once(api):
    with ThreadPoolExecutor() as pool:
        ends = [lines[-1] for lines in pool.map(pulled, [api, api])]

    assert ends == [{"status": "success"}] * 2
    assert api.get("/_sim/stats").json()["pulled_bytes"] == 1_000_000_000


def test_a_full_disk_ends_a_pull_with_a_line(api):
    fault = {"fault": "disk_full", "model": "far", "times": 1}
    assert api.post("/_sim/faults", json=fault).is_success

    *_, last = pulled(api)

    path = f"/root/.ollama/models/blobs/sha256-{WEIGHTS.digest}-partial"
    assert last == {"error": f"write {path}: no space left on device"}
    assert pulled(api)[-1] == {"status": "success"}
