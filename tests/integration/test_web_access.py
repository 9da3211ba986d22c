"""Whom the web service answers, whom it asks, and what nobody is told."""

import asyncio
import re
import socket
import time

import aiohttp
import httpx
import pytest

from ollama_warmup.errors import BadSettings
from ollama_warmup.report import Condition
from tests.support.recorder import recorder
from tests.support.reports import write_report
from tests.support.web import WebService, ask, get, post
from worker.metrics import CONTENT_TYPE
from worker.web import app, serving
from worker.web.gate import Door
from worker.web.serving import CannotListen

TOKEN = "hunter2-is-long"  # noqa: S105 - of the tests


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ({"content": b"{"}, 422),
        ({"content": b'"' + b"x" * 20_000 + b'"'}, 413),
        ({"content": b'{"model": "a"}', "headers": {"origin": "http://evil"}}, 403),
        ({"content": b"model=a", "headers": {"content-type": "text/plain"}}, 415),
    ],
)
def test_a_foreign_or_broken_request_sends_nothing(unserved, rest, code):
    headers = {"content-type": "application/json"} | rest.pop("headers", {})

    assert post("/warmup", headers=headers, **rest).status_code == code
    assert unserved.redis.keys("*ollama.*") == []


def test_metrics_need_the_token(unserved):
    write_report(unserved, "gpu-1", {"llama3:8b": Condition.WARM})
    door, bearer = Door(token=TOKEN), {"Authorization": f"Bearer {TOKEN}"}

    refused, told_all = ask(
        ("GET", "/metrics", {}), ("GET", "/metrics", {"headers": bearer}), door=door
    )

    assert refused.status_code == 401
    assert told_all.headers["Content-Type"] == CONTENT_TYPE
    assert 'host="gpu-1"' in told_all.text


@pytest.mark.usefixtures("unserved")
@pytest.mark.parametrize("path", ["/", "/status", "/openapi.json", "/static/main.js"])
def test_every_page_needs_the_token_once_one_is_set(path):
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


def test_no_answer_of_the_web_service_holds_a_secret(unserved, environment):
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
        write_report(unserved, "gpu-1", {"a": Condition.UNKNOWN}, problem=problem)
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
def test_the_status_page_loads_nothing_from_elsewhere():
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
def test_beyond_loopback_the_web_service_needs_a_token(environment, host):
    environment()

    with pytest.raises(BadSettings, match="OLLAMA_WARMUP_WEB_TOKEN is not set"):
        serving.run(host=host, port=0, tell=lambda _: None)


def test_the_web_service_refuses_an_address_that_is_taken_or_not_its_own(environment):
    environment()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match="choose another --host or --port"):
            serving.run(host="127.0.0.1", port=port, tell=lambda _: None)
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1"):
        serving.run(host="192.0.2.1", port=0, tell=lambda _: None)


def test_a_thousand_callers_of_readyz_send_one_task_a_target(unserved):
    write_report(unserved, "gpu-1", {"tiny": Condition.COLD, "mid": Condition.LOADING})
    write_report(unserved, "gpu-2", {"tiny": Condition.COLD})

    async def callers(url):
        # httpx would take seconds for its own pool.
        many = aiohttp.TCPConnector(limit=1_000)
        async with aiohttp.ClientSession(url, connector=many) as client:

            async def call():
                async with client.get("/readyz") as answer:
                    return answer.status

            return set(await asyncio.gather(*(call() for _ in range(1_000))))

    with recorder() as (ollama, requests):
        service = WebService(
            OLLAMA_WARMUP_BROKER_URL=unserved.url,
            OLLAMA_WARMUP_HOSTS=f"gpu-1={ollama}, gpu-2={ollama}",
        )
        assert asyncio.run(callers(service.url)) == {503}
        time.sleep(0.5)  # what readiness sends, nobody waits for
        with httpx.Client(base_url=service.url) as idle:
            assert idle.get("/status").status_code == 200
            assert service.stop() == 0

    assert requests == []
    for host in ("gpu-1", "gpu-2"):
        sent = unserved.messages(f"ollama.lane.{host}")
        assert [message["args"] for message in sent] == [["tiny", host]]
