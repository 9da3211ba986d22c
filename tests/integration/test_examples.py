"""The example applications, started as their readers would start them."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.support.processes import RestartingSupervisor
from tests.support.system import RunningSystem
from tests.support.waiting import until
from worker.cli.supervisor import free_port, listens

EXAMPLES = Path(__file__).parents[2] / "examples"
INITIATED = "INFO: Ollama warmup initiated in background\n"
SERVERS = {
    "fastapi": ["uvicorn", "--app-dir", "examples/fastapi_app", "app.main:app"],
    "flask": ["flask", "--app", "examples/flask_app.py", "run"],
}
DJANGO = ["examples/django_app/manage.py", "runserver"]
STARTS = {"fastapi": 1, "flask": 1, "django": 2}
"""How often each starts warming; Django's autoreload runs it in two processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applications:
    """The three of them, started at once."""

    urls: dict[str, str]
    loads: int
    """How many loads their start has caused."""

    def ask(self, name: str, method: str, path: str) -> httpx.Response:
        return httpx.request(method, self.urls[name] + path, timeout=30)


def variables(system: RunningSystem) -> dict[str, str]:
    return system.environment | {
        "OLLAMA_WARMUP_ENABLED": "true",
        "OLLAMA_WARMUP_HOSTS": f"default={system.ollama.url}",
        "OLLAMA_WARMUP_MODELS": "tiny?num_ctx=512",
        "OLLAMA_MODEL": "tiny",
    }


def start(supervisor: RestartingSupervisor, env: dict[str, str]) -> dict[str, str]:
    ports = {name: free_port() for name in STARTS}
    for name, words in SERVERS.items():
        argv = [sys.executable, "-m", *words, f"--port={ports[name]}"]
        supervisor.start(name, argv, env=env, ready=partial(listens, ports[name]))
    supervisor.start(
        "django",
        [sys.executable, *DJANGO, f"127.0.0.1:{ports['django']}"],
        env=env,
        ready=partial(listens, ports["django"]),
    )
    supervisor.wait_ready(timeout_s=30, progress=lambda _: None)
    return {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


@pytest.fixture(scope="module")
def applications(_system: RunningSystem) -> Iterator[Applications]:
    loads = _system.ollama.reset().loads()
    known = _system.log().count("succeeded in")
    with RestartingSupervisor() as supervisor:
        urls = start(supervisor, variables(_system))
        for name, times in STARTS.items():
            until(
                lambda name=name, times=times: (  # type: ignore[misc] # mypy: no defaults
                    supervisor.log(name).count(INITIATED) >= times
                ),
                f"{name} has started to warm {times} times",
                meanwhile=supervisor.check,
            )
        until(
            lambda: _system.log().count("succeeded in") >= known + sum(STARTS.values()),
            "all warm-ups have succeeded",
        )
        yield Applications(urls=urls, loads=_system.ollama.loads() - loads)


def test_example_applications_that_start_at_once_share_one_load(applications):
    assert applications.loads == 1


@pytest.mark.parametrize("name", STARTS)
def test_a_health_route_answers_503_while_a_model_is_not_ready(applications, name):
    answer = applications.ask(name, "GET", "/health")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["ready"] is False


@pytest.mark.parametrize("name", ["django", "flask"])
def test_a_route_sends_a_warm_up(applications, name):
    assert applications.ask(name, "POST", "/warmup?model=tiny2").status_code == 202
    assert applications.ask(name, "POST", "/warmup?model=a+b").status_code == 400


def test_a_warm_model_is_used_without_a_reload(applications, system):
    warmed = applications.ask(
        "fastapi", "POST", f"/warmup?model={quote('tiny?num_ctx=512')}"
    )
    loads = system.ollama.loads()
    answer = applications.ask("fastapi", "POST", "/ask?prompt=hello")

    assert (warmed.status_code, warmed.json()["outcome"]) == (200, "loaded")
    assert warmed.json()["context_length"] == 512
    assert answer.status_code == 200
    assert answer.json()["answer"]
    assert system.ollama.loads() == loads


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("model=a+b", 422, "BadRequest"),
        ("model=nope", 404, "UnknownModel"),
        ("model=mid&timeout_s=0.3", 504, "WarmupTimeout"),
    ],
)
def test_a_failed_warm_up_becomes_an_http_error(applications, query, status, error):
    answer = applications.ask("fastapi", "POST", f"/warmup?{query}")

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["detail"]


GUIDE = """
from app.integrations.ollama_container import warmup_ollama_model

# Warmup a specific model
await warmup_ollama_model("llama3:8b")
"""
RUN = f"""
import asyncio
asyncio.run(eval(compile({GUIDE!r}, "guide", "exec", {ast.PyCF_ALLOW_TOP_LEVEL_AWAIT})))
"""


@pytest.fixture
def llama3(system):
    system.ollama.post("/api/copy", source="tiny", destination="llama3:8b")
    yield
    system.ollama.delete("/api/delete", model="llama3:8b")


@pytest.mark.usefixtures("llama3")
def test_the_guide_s_lines_run_as_they_are_and_load_once(system):
    loads = system.ollama.loads()

    subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=EXAMPLES / "fastapi_app",
        env=os.environ | system.environment,
        check=True,
    )

    assert system.ollama.loads() == loads + 1
    assert "llama3:8b" in system.ollama.resident()
