"""A system in one terminal: started, used from another, killed, ended."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
import redis

from tests.support.up import ALONE, Up, marked
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def up(_system, tmp_path_factory):
    url = _system.ollama.url
    hosts = "gpu-1=" + url.replace("//", "//me:hunter2@")
    running = Up(tmp_path_factory.mktemp("state"), url, hosts=hosts).ready()
    yield running
    running.end(signal.SIGKILL)


def test_warm_in_another_terminal_finds_up_which_prints_the_load(up, system):
    ended = up.run("warm", "tiny")

    assert ended.returncode == 0, ended.stderr
    assert "tiny: loaded" in ended.stdout
    up.wait_until_said("worker  Model warmup completed: tiny")
    assert "tiny:latest" in system.ollama.resident()


def test_a_second_up_of_the_same_namespace_is_refused(up):
    ended = up.run("up")

    assert ended.returncode == 1
    assert f"runs already (pid {up.process.pid})" in ended.stderr


def test_up_reports_a_killed_worker_and_starts_it_again(up):
    os.kill(up.pid("worker"), signal.SIGKILL)

    up.wait_until_said("died (killed by SIGKILL), starts again in 1 s")
    up.wait_until_said("worker  ready for loads (pid", times=2)
    assert up.run("warm", "tiny2").returncode == 0


def test_the_variables_that_up_prints_are_those_it_runs_with(up):
    shown = dict(re.findall(r"export (\w+)=(\S+)", "".join(up.lines)))

    assert shown["OLLAMA_WARMUP_NAMESPACE"] == "ollama-warmup"
    assert redis.Redis.from_url(shown["OLLAMA_WARMUP_BROKER_URL"]).ping()


def test_the_status_page_of_up_needs_the_token(up):
    url = re.findall(r"web +status page on (\S+)", "".join(up.lines))[-1]

    assert httpx.get(f"{url}/").status_code == 401
    assert "gpu-1" in httpx.get(f"{url}/status", auth=("me", "hunter2")).text


TASKS = (
    "/tasks/datatable?draw=1&start=0&length=9&search[value]="
    "&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
)


def test_flower_of_up_shows_the_warm_up_and_no_secret(up):
    url = re.findall(r"flower +shows .* on (\S+)", "".join(up.lines))[-1]
    up.run("warm", "tiny")
    with httpx.Client(base_url=url) as flower:

        def sent():
            return [t for t in flower.get(TASKS).json()["data"] if "tiny" in t["args"]]

        until(sent, "Flower shows the task")
        workers = [one["hostname"] for one in flower.get("/?json=1").json()["data"]]
        paths = [f"/task/{sent()[0]['uuid']}", *(f"/worker/{w}" for w in workers)]
        pages = {path: flower.get(path) for path in (TASKS, "/", "/broker", *paths)}

    assert len(workers) == 3
    assert {page.status_code for page in pages.values()} == {200}
    assert [p for p, page in pages.items() if "hunter2" in page.text] == []


def test_up_ends_within_seconds_and_keeps_the_data_of_its_broker(tmp_path):
    first = Up(tmp_path, "http://me:hunter2@127.0.0.1:1", *ALONE).ready()
    assert first.said("does not answer")
    first.broker().set("kept", "yes")
    began = time.monotonic()

    assert first.end() == 0
    assert (
        time.monotonic() - began < 20
    )  # an idle worker that waits as one that loads takes 20 more
    assert not first.said("hunter2")
    assert marked(first.mark) == []
    assert not list(tmp_path.rglob("environment"))
    second = Up(tmp_path, "127.0.0.1:1", *ALONE).wait_until_said("valkey  listens on")
    assert second.broker().get("kept") == b"yes"
    second.end(signal.SIGKILL)
    until(lambda: marked(second.mark) == [], "none of its processes is left")


def test_up_names_a_variable_that_has_no_effect(up):
    assert "".join(up.lines).count("OLLAMA_HOST is ignored") == 1


def test_up_writes_no_secret_but_for_the_doctor(up):
    (environment,) = up.state.rglob("environment")

    told = environment.read_text()  # for the doctor of another terminal
    assert f"OLLAMA_WARMUP_HOSTS={up.env['OLLAMA_WARMUP_HOSTS']}\n" in told
    assert told.count("hunter2") == 1
    assert environment.stat().st_mode & 0o777 == 0o600
    others = [p for p in up.state.rglob("*") if p.is_file() and p != environment]
    assert [file for file in others if b"hunter2" in file.read_bytes()] == []


def test_up_refuses_a_port_for_flower_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = Up(tmp_path, "127.0.0.1:1", "--flower-port", str(port))
        assert refused.process.wait(timeout=40) == 1

    refused.wait_until_said(f"port {port} is taken: choose another --flower-port")
    refused.end()
