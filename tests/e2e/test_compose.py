"""`docker compose up` from nothing, with a simulated Ollama in the place of Ollama."""

import json

import httpx
import pytest

from tests.e2e.containers import run
from tests.support.ollama import Ollama
from tests.support.waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("image"),
]

COMPOSE = (
    *("docker", "compose", "--project-name=ollama-warmup-e2e"),
    *("--env-file=.env.example", "--file=docker-compose.yml"),
    "--file=tests/e2e/compose.yml",
)
FLOWER = ("admin", "change-me")


def compose(*words):
    code, told = run(*COMPOSE, *words)
    assert code == 0, told
    return told


def url(service, port):
    return f"http://{compose('port', service, str(port)).strip()}"


@pytest.fixture
def started(monkeypatch):
    """The services of docker-compose.yml, all of them healthy."""
    if run("docker", "compose", "version")[0]:
        pytest.skip("Docker Compose is not on this machine")
    monkeypatch.setenv("OLLAMA_WARMUP_ENABLED", "true")
    try:
        code, told = run(*COMPOSE, "up", "--detach", "--no-build", "--wait")
        assert code == 0, told + compose("logs", "--tail=20")
        yield
    finally:
        compose("down", "--volumes", "--timeout=1")


@pytest.mark.usefixtures("started")
def test_compose_up_leads_from_nothing_to_a_warm_model():
    web, ollama, flower = url("web", 11480), url("ollama", 11434), url("flower", 5555)

    readyz = f"{web}/readyz"
    until(lambda: httpx.get(readyz).status_code == 200, "all is ready", seconds=60)

    assert Ollama(url=ollama).loaded() == {"llama3:8b"}
    rows = map(json.loads, compose("ps", "--all", "--format=json").splitlines())
    assert {row["Health"] for row in rows} == {"healthy"}
    assert httpx.get(f"{flower}/tasks").status_code == 401
    tasks = httpx.get(f"{flower}/api/tasks", auth=FLOWER).json()
    assert "ollama.warmup" in {task["name"] for task in tasks.values()}
