"""A system in one terminal: started, used from another, killed, ended."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import httpx
import pytest
import redis

from tests.integration.test_demo import marked
from tests.integration.test_supervisor import until

COMMAND = [sys.executable, "-m", "worker.cli"]
ALONE = ("--flower-port", "0", "--web-port", "0")
"""Options for a system that nobody looks at."""

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")


class Up:
    """`ollama-warmup up` in a process, and what it said so far."""

    def __init__(self, state, ollama, *options, hosts="", more=None):
        self.mark = f"up-{uuid.uuid4()}"
        self.state = state
        self.env = os.environ | {
            "XDG_STATE_HOME": str(state),
            "OLLAMA_HOST": ollama,
            "OLLAMA_WARMUP_SECRET_GPU": "hunter2",
            "OLLAMA_WARMUP_WEB_TOKEN": "hunter2",
        }
        if hosts:
            self.env["OLLAMA_WARMUP_HOSTS"] = hosts
        self.env |= more or {}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*COMMAND, "up", *options],
            env=self.env | {"MARK": self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        assert self.process.stdout
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def said(self, text, *, times=1):
        return "".join(self.lines).count(text) >= times

    def ready(self):
        assert until(lambda: self.said("all are ready"), seconds=60), self.lines
        return self

    def pid(self, name):
        return int(re.findall(rf" {name} .*pid (\d+)\)", "".join(self.lines))[-1])

    def run(self, *words):
        return subprocess.run(
            [*COMMAND, *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(timeout=40)
        self._reader.join(timeout=40)
        assert self.process.stdout
        self.process.stdout.close()
        return self.process.returncode


@pytest.fixture(scope="module")
def up(_stage, tmp_path_factory):
    url = _stage.simulated.url
    hosts = "gpu-1=" + url.replace("//", "//me:hunter2@")
    running = Up(tmp_path_factory.mktemp("state"), url, hosts=hosts).ready()
    yield running
    running.end(signal.SIGKILL)


def test_another_terminal_finds_it_and_its_line_tells_the_warm_up(up, stage):
    ended = up.run("warm", "tiny")

    assert ended.returncode == 0, ended.stderr
    assert "tiny: loaded" in ended.stdout
    assert until(lambda: up.said("worker  Model warmup completed: tiny"))
    assert "tiny:latest" in stage.simulated.resident()


def test_a_second_one_of_the_same_namespace_is_refused(up):
    ended = up.run("up")

    assert ended.returncode == 1
    assert f"runs already (pid {up.process.pid})" in ended.stderr


def test_a_worker_that_is_killed_is_told_and_started_again(up):
    os.kill(up.pid("worker"), signal.SIGKILL)

    assert until(lambda: up.said("died (killed by SIGKILL), starts again in 1 s"))
    assert until(lambda: up.said("worker  ready for loads (pid", times=2))
    assert up.run("warm", "tiny2").returncode == 0


def test_what_it_prints_to_type_is_what_it_runs_with(up):
    shown = dict(re.findall(r"export (\w+)=(\S+)", "".join(up.lines)))

    assert shown["OLLAMA_WARMUP_NAMESPACE"] == "ollama-warmup"
    assert redis.Redis.from_url(shown["OLLAMA_WARMUP_BROKER_URL"]).ping()


def test_its_status_page_is_served_to_who_has_the_token(up):
    url = re.findall(r"web +status page on (\S+)", "".join(up.lines))[-1]

    assert httpx.get(f"{url}/").status_code == 401
    assert "gpu-1" in httpx.get(f"{url}/status", auth=("me", "hunter2")).text


TASKS = (
    "/tasks/datatable?draw=1&start=0&length=9&search[value]="
    "&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
)


def test_its_flower_shows_the_warm_up_and_no_secret(up):
    url = re.findall(r"flower +shows .* on (\S+)", "".join(up.lines))[-1]
    up.run("warm", "tiny")
    with httpx.Client(base_url=url) as flower:

        def sent():
            return [t for t in flower.get(TASKS).json()["data"] if "tiny" in t["args"]]

        assert until(sent)
        workers = [one["hostname"] for one in flower.get("/?json=1").json()["data"]]
        paths = [f"/task/{sent()[0]['uuid']}", *(f"/worker/{w}" for w in workers)]
        pages = {path: flower.get(path) for path in (TASKS, "/", "/broker", *paths)}

    assert len(workers) == 3
    assert {page.status_code for page in pages.values()} == {200}
    assert [p for p, page in pages.items() if "hunter2" in page.text] == []


def broker(up):
    return redis.Redis.from_url(re.findall(r"redis://\S+", "".join(up.lines))[0])


def test_it_ends_within_seconds_and_keeps_what_its_broker_knew(tmp_path):
    first = Up(tmp_path, "http://me:hunter2@127.0.0.1:1", *ALONE).ready()
    assert first.said("does not answer")
    broker(first).set("kept", "yes")
    began = time.monotonic()

    assert first.end() == 0
    assert (
        time.monotonic() - began < 20
    )  # an idle worker that waits as one that loads takes 20 more
    assert not first.said("hunter2")
    assert marked(first.mark) == []
    assert not list(tmp_path.rglob("environment"))
    second = Up(tmp_path, "127.0.0.1:1", *ALONE)
    assert until(lambda: second.said("valkey  listens on"))
    assert broker(second).get("kept") == b"yes"
    second.end(signal.SIGKILL)
    assert until(lambda: marked(second.mark) == [], seconds=30)


def test_what_has_no_effect_in_the_environment_is_told(up):
    assert "".join(up.lines).count("OLLAMA_HOST is ignored") == 1


def test_secrets_are_written_nowhere(up):
    (environment,) = up.state.rglob("environment")

    told = environment.read_text()  # for the doctor of another terminal
    assert f"OLLAMA_WARMUP_HOSTS={up.env['OLLAMA_WARMUP_HOSTS']}\n" in told
    assert told.count("hunter2") == 1
    assert environment.stat().st_mode & 0o777 == 0o600
    others = [p for p in up.state.rglob("*") if p.is_file() and p != environment]
    assert [file for file in others if b"hunter2" in file.read_bytes()] == []


def test_a_port_for_flower_that_is_taken_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = Up(tmp_path, "127.0.0.1:1", "--flower-port", str(port))
        assert refused.process.wait(timeout=40) == 1

    told = f"port {port} is taken: choose another --flower-port"
    assert until(lambda: refused.said(told))
    refused.end()
