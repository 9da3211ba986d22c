"""The web service on a real Redis: what it answers, and what it sends."""

import json
import time

import pytest

from ollama_warmup import report
from ollama_warmup.report import Condition
from tests.support.outages import mute, refusing
from tests.support.reports import write_report
from tests.support.web import ask, get, post
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.core.passes import Event, Evictor, Kind


def test_status_shows_reports_events_and_how_long_loads_take(unserved):
    write_report(
        unserved, "gpu-1", {"llama3:8b": Condition.WARM, "mid": Condition.COLD}
    )
    happened = Event(
        at=time.time() - 3,
        host="gpu-1",
        model="mid",
        kind=Kind.EVICTED,
        before=Condition.WARM,
        after=Condition.COLD,
        why="evicted by qwen3:4b",
        evictors=(Evictor(model="qwen3:4b", is_ours=False),),
    )
    PassStore(unserved.url, namespace="ollama-warmup").add_events([happened])
    for load_s in (9.0, 7.5):
        Store(unserved.url, namespace="ollama-warmup").add_history(
            "gpu-1", weights="sha256-1", context=512, load_s=load_s
        )

    seen = get("/status").json()

    warm, cold = seen["hosts"][0]["targets"]
    assert abs(seen["now"] - time.time()) < 2
    assert (seen["counts"], seen["ready"]) == ({"cold": 1, "warm": 1}, 1)
    assert warm["loads"] == {"last_s": 7.5, "median_s": 8.25, "count": 2}
    assert cold["last_event"]["why"] == seen["events"][0]["why"] == happened.why
    assert seen["events"][0]["evictors"] == [{"model": "qwen3:4b", "is_ours": False}]
    assert [condition for _, condition in cold["timeline"]] == ["warm", "cold"]


def test_a_thousand_hosts_are_one_bounded_answer(unserved):
    conditions = dict.fromkeys(("a", "b", "c"), Condition.WARM)
    for number in range(999):
        write_report(unserved, f"gpu-{number}", conditions)
    write_report(unserved, "gpu-999", conditions | {"b": Condition.FAILING})

    answer, failing, too_many = ask(
        ("GET", "/status", {}),
        ("GET", "/status", {"params": {"find": "failing"}}),
        ("GET", "/status", {"params": {"limit": 501}}),
    )

    seen = answer.json()
    assert (seen["total"], seen["found"], seen["shown"]) == (3_000, 3_000, 100)
    assert seen["hosts"][0]["host"] == "gpu-999"
    assert len(answer.content) < 100_000
    assert [h["host"] for h in failing.json()["hosts"]] == ["gpu-999"]
    assert too_many.status_code == 422


def test_a_posted_warm_up_is_sent_and_answered_with_the_id_of_its_task(unserved):
    answer = post("/warmup", json={"model": "llama3:8b?num_ctx=512", "host": "gpu-1"})

    assert answer.status_code == 202
    [sent] = unserved.redis.lrange("ollama-warmup:ollama.control", 0, -1)
    assert json.loads(sent)["headers"]["id"] == answer.json()["id"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"model": "llama3:8b?nun_ctx=1"}, "did you mean num_ctx"),
        ({"model": "a b"}, "is no model name"),
        ({"model": "llama3:8b", "host": "GPU 1"}, "write 1 to 40 of a-z"),
        ({"model": 3}, "model: Input should be a valid string"),
        ({"model": "llama3:8b", "hots": "gpu-1"}, "hots: Extra inputs"),
        ([], "Input should be"),
    ],
)
def test_a_wrong_posted_warm_up_is_refused_with_a_reason(unserved, body, sentence):
    answer = post("/warmup", json=body)

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert unserved.redis.keys("*ollama.*") == []


def test_a_host_or_a_model_is_paused_and_resumed_and_a_pass_is_asked_for(unserved):
    write_report(unserved, "gpu-1", {"llama3:8b": Condition.WARM})

    host = post("/pause", json={"name": "gpu-1"})
    model = post("/pause", json={"name": "llama3:8b"})
    stranger = post("/pause", json={"name": "gpu-2"})
    resumed = post("/resume", json={"name": "gpu-1"})

    assert host.json() == {"paused": [{"name": "gpu-1", "shown": "gpu-1"}]}
    assert [p["shown"] for p in model.json()["paused"]] == ["gpu-1", "llama3:8b"]
    assert (stranger.status_code, resumed.status_code) == (422, 200)
    assert get("/status").json()["paused"] == resumed.json()["paused"]
    sent = unserved.messages("ollama.control")
    assert [m["args"] for m in sent] == [["gpu-1"], [None], ["gpu-1"]]


def test_readyz_answers_503_with_a_time_to_ask_again(unserved):
    write_report(unserved, "gpu-1", {"llama3:8b": Condition.COLD})

    cold, undeclared = ask(
        ("GET", "/readyz", {}), ("GET", "/readyz", {"params": {"model": "phi3"}})
    )

    assert (cold.status_code, cold.headers["Retry-After"]) == (503, "10")
    assert cold.json()["why"] == "llama3:8b on gpu-1 is cold"
    assert undeclared.status_code == 404
    assert len(unserved.messages("ollama.lane.gpu-1")) == 1


@pytest.mark.parametrize(("redis", "bound_s"), [(refusing, 3), (mute, 6)])
def test_the_web_service_is_alive_without_redis(environment, redis, bound_s):
    with redis() as port:
        environment(BROKER_URL=f"redis://:hunter2@127.0.0.1:{port}/0")
        began_s = time.monotonic()

        alive, *rest = ask(
            *(("GET", path, {}) for path in ("/healthz", "/status", "/readyz")),
            ("GET", "/metrics", {}),
        )
        took_s = time.monotonic() - began_s
        sent = post("/warmup", json={"model": "llama3:8b"})

    assert alive.json() == {"status": "ok"}
    for answer in (*rest, sent):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert "Redis" in answer.text
        assert "hunter2" not in answer.text
    assert took_s < bound_s


def test_status_names_a_report_of_another_release(unserved):
    unserved.redis.hset(report.key("ollama-warmup"), "gpu-2", '{"version": 9}')

    seen = get("/status").json()

    assert "run the same release" in seen["notices"][0]
    assert seen["hosts"] == []
