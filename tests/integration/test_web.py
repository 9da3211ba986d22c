"""The web service on a real Redis: what it answers, what it sends, whom it asks."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx
import pytest

from ollama_warmup import health, report, settings
from ollama_warmup.errors import BadSettings
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from tests.integration.recorder import recorder
from tests.integration.test_outage import mute, refusing
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.core.passes import Event, Kind
from worker.metrics import CONTENT_TYPE
from worker.web import app, serving
from worker.web.board import Board
from worker.web.gate import Door
from worker.web.serving import CannotListen

TOKEN = "hunter2-is-long"  # noqa: S105 - of the tests


def told(unserved, name, conditions, age_s=0.0, **more):
    """Write what the last pass saw on a host."""
    at = time.time() - age_s
    targets = tuple(
        TargetReport(
            model=model,
            wanted=f"{model}?num_ctx=512",
            condition=condition,
            since=at,
            is_ready=condition is Condition.WARM,
            weights="sha256-1",
        )
        for model, condition in conditions.items()
    )
    given: Any = {"state": HostState.UP, "enabled": True, "tick_s": 10} | more
    seen = HostReport(host=name, url=f"http://{name}", at=at, targets=targets, **given)
    unserved.redis.hset(report.key("ollama-warmup"), name, report.dump(seen))


def ask(*calls, door=None, base="http://127.0.0.1:11480"):
    """Ask a service in this process; a call is (method, path, options of httpx)."""

    async def ask():
        service = app.make(Board(settings.current()), door=door or Door())
        transport = httpx.ASGITransport(service)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            asked = (client.request(m, p, **rest) for m, p, rest in calls)
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    while health.asking:
        time.sleep(0.01)
    return answers


def get(path, **rest):
    door = rest.pop("door", None)
    return ask(("GET", path, rest), door=door)[0]


def post(path, **rest):
    return ask(("POST", path, rest))[0]


def test_status_tells_reports_events_and_how_long_loads_take(unserved):
    told(unserved, "gpu-1", {"llama3:8b": Condition.WARM, "mid": Condition.COLD})
    happened = Event(
        at=time.time() - 3,
        host="gpu-1",
        model="mid",
        kind=Kind.EVICTED,
        before=Condition.WARM,
        after=Condition.COLD,
        why="evicted by qwen3:4b",
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
    assert [condition for _, condition in cold["timeline"]] == ["warm", "cold"]


def test_a_thousand_hosts_are_one_bounded_answer(unserved):
    conditions = dict.fromkeys(("a", "b", "c"), Condition.WARM)
    for number in range(999):
        told(unserved, f"gpu-{number}", conditions)
    told(unserved, "gpu-999", conditions | {"b": Condition.FAILING})

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


def test_a_warm_up_is_sent_and_its_task_is_named(unserved):
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
def test_a_wrong_warm_up_is_refused_with_a_sentence(unserved, body, sentence):
    answer = post("/warmup", json=body)

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert unserved.redis.keys("*ollama.*") == []


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ({"content": b"{"}, 422),
        ({"content": b'"' + b"x" * 20_000 + b'"'}, 413),
        ({"content": b'{"model": "a"}', "headers": {"origin": "http://evil"}}, 403),
        ({"content": b"model=a", "headers": {"content-type": "text/plain"}}, 415),
    ],
)
def test_what_is_no_request_of_ours_sends_nothing(unserved, rest, code):
    headers = {"content-type": "application/json"} | rest.pop("headers", {})

    assert post("/warmup", headers=headers, **rest).status_code == code
    assert unserved.redis.keys("*ollama.*") == []


def test_a_host_or_a_model_is_paused_and_resumed_and_a_pass_is_asked_for(unserved):
    told(unserved, "gpu-1", {"llama3:8b": Condition.WARM})

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


def test_readiness_is_told_with_a_time_to_ask_again(unserved):
    told(unserved, "gpu-1", {"llama3:8b": Condition.COLD})

    cold, undeclared = ask(
        ("GET", "/readyz", {}), ("GET", "/readyz", {"params": {"model": "phi3"}})
    )

    assert (cold.status_code, cold.headers["Retry-After"]) == (503, "10")
    assert cold.json()["why"] == "llama3:8b on gpu-1 is cold"
    assert undeclared.status_code == 404
    assert len(unserved.messages("ollama.lane.gpu-1")) == 1


@pytest.mark.parametrize(("redis", "bound_s"), [(refusing, 1), (mute, 4)])
def test_without_redis_it_says_so_and_is_alive(environment, redis, bound_s):
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


def test_metrics_are_told_to_who_has_the_token(unserved):
    told(unserved, "gpu-1", {"llama3:8b": Condition.WARM})
    door, bearer = Door(token=TOKEN), {"Authorization": f"Bearer {TOKEN}"}

    refused, told_all = ask(
        ("GET", "/metrics", {}), ("GET", "/metrics", {"headers": bearer}), door=door
    )

    assert refused.status_code == 401
    assert told_all.headers["Content-Type"] == CONTENT_TYPE
    assert 'host="gpu-1"' in told_all.text


def test_a_report_of_another_release_is_told(unserved):
    unserved.redis.hset(report.key("ollama-warmup"), "gpu-2", '{"version": 9}')

    seen = get("/status").json()

    assert "run the same release" in seen["notices"][0]
    assert seen["hosts"] == []


@pytest.mark.usefixtures("unserved")
@pytest.mark.parametrize("path", ["/", "/status", "/openapi.json", "/static/main.js"])
def test_with_a_token_only_who_knows_it_sees_anything(path):
    door = Door(token=TOKEN)
    refused = get(path, door=door)
    login = get(path, door=door, auth=("anybody", TOKEN))
    bearer = get(path, door=door, headers={"Authorization": f"Bearer {TOKEN}"})

    assert (refused.status_code, login.status_code, bearer.status_code) == (
        *(401, 200, 200),
    )
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    for answer in (refused, login):
        allowed = answer.headers["Content-Security-Policy"]
        assert allowed.startswith("default-src 'self'")
        assert TOKEN not in answer.text


def test_no_answer_holds_a_secret(unserved, environment):
    secret = "hunter2"  # noqa: S105 - of the tests
    environment(
        BROKER_URL=unserved.url.replace("redis://", f"redis://:{secret}@"),
        HOSTS=f"gpu-1=http://me:{secret}@10.0.0.5",
        SECRET_GPU=secret,
        WEB_TOKEN=TOKEN,
    )
    unserved.redis.config_set("requirepass", secret)
    try:
        problem = f"gpu-1 (http://me:{secret}@10.0.0.5) does not answer"
        told(unserved, "gpu-1", {"a": Condition.UNKNOWN}, problem=problem)
        answers = ask(
            ("GET", "/status", {}),
            ("GET", "/readyz", {}),
            ("GET", "/metrics", {}),
            ("GET", "/openapi.json", {}),
            ("POST", "/warmup", {"json": {"model": "a", "host": "gpu-9"}}),
            ("POST", "/pause", {"json": {"name": "gpu-9"}}),
        )
    finally:
        unserved.redis.config_set("requirepass", "")

    assert [a.status_code for a in answers] == [200, 503, 200, 200, 422, 422]
    assert all(secret not in answer.text for answer in answers)


@pytest.mark.usefixtures("unserved")
def test_it_describes_itself_and_loads_nothing_from_elsewhere():
    described, docs, page = ask(
        ("GET", "/openapi.json", {}), ("GET", "/docs", {}), ("GET", "/", {})
    )

    paths = described.json()["paths"]
    assert {"/healthz", "/readyz", "/status", "/warmup"} <= paths.keys()
    assert docs.status_code == 404
    assert "<style" not in page.text
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=", page.text)
    for file in app.STATIC.iterdir():
        foreign = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", file.read_text())
        assert set(foreign) <= {"http://www.w3.org"}, file


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_loopback_a_token_is_needed_and_told(environment, host):
    environment()

    with pytest.raises(BadSettings, match="OLLAMA_WARMUP_WEB_TOKEN is not set"):
        serving.run(host=host, port=0, tell=lambda _: None)


def test_an_address_that_is_taken_or_none_is_told(environment):
    environment()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match="choose another --host or --port"):
            serving.run(host="127.0.0.1", port=port, tell=lambda _: None)
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1"):
        serving.run(host="192.0.2.1", port=0, tell=lambda _: None)


@contextmanager
def serve(url, **env):
    """The command in a process of its own; yields it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", "web", "--port", "0"],
        env=os.environ | {"OLLAMA_WARMUP_BROKER_URL": url} | env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline().split()[3]
    finally:
        process.kill()
        process.communicate()


def test_a_thousand_callers_cost_no_host_a_request_and_a_target_one_task(unserved):
    told(unserved, "gpu-1", {"tiny": Condition.COLD, "mid": Condition.LOADING})
    told(unserved, "gpu-2", {"tiny": Condition.COLD})

    async def callers(url):
        # httpx would take seconds for its own pool.
        many = aiohttp.TCPConnector(limit=1_000)
        async with aiohttp.ClientSession(url, connector=many) as client:

            async def call():
                async with client.get("/readyz") as answer:
                    return answer.status

            return set(await asyncio.gather(*(call() for _ in range(1_000))))

    with recorder() as (ollama, requests):
        hosts = {"OLLAMA_WARMUP_HOSTS": f"gpu-1={ollama}, gpu-2={ollama}"}
        with serve(unserved.url, **hosts) as (process, url):
            assert asyncio.run(callers(url)) == {503}
            time.sleep(0.5)  # what readiness sends, nobody waits for
            with httpx.Client(base_url=url) as idle:
                assert idle.get("/status").status_code == 200
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=3) == 0

    assert requests == []
    for host in ("gpu-1", "gpu-2"):
        sent = unserved.messages(f"ollama.lane.{host}")
        assert [message["args"] for message in sent] == [["tiny", host]]
