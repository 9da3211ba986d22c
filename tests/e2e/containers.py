"""Containers of the shipped image beside a Redis, as pytest-celery runs them.

It brings networks, containers and `celery_setup`; what is ours takes the place of its
own worker. Nothing is published by this process: `warm` does it inside the image, with
the environment that the worker has.
"""

import json
import shutil
import subprocess
from typing import Any

import pytest
from pytest_celery import CeleryTestContainer, CeleryWorkerContainer, RedisContainer
from pytest_docker_tools import container, fxtr

from tests.support import compose
from tests.support.ollama import SimulatedOllama
from tests.support.waiting import until

__all__ = (
    "celery_backend_cluster",
    "celery_broker",
    "celery_worker",
    "default_redis_broker",
    "default_redis_broker_cls",
    "default_worker_container",
    "default_worker_container_cls",
    "default_worker_env",
    "engine",
    "image",
    "simulated",
    "system",
)

COMPOSE = compose.load()
APP = COMPOSE["x-app"]
REDIS = COMPOSE["services"]["redis"]
START_S = 60


def run(*words: str) -> tuple[int, str]:
    """Run a program at the top of the project; returns its exit code and output."""
    done = subprocess.run(
        words,
        cwd=compose.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Skips by name what needs an engine where there is none."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not on this machine")
    code, told = run("docker", "version", "--format={{.Server.Version}}")
    if code:
        pytest.skip(f"no Docker engine answers: {told.splitlines()[-1]}")


@pytest.fixture(scope="session")
def image() -> str:
    """The image that compose runs, built now."""
    name: str = APP["image"]
    code, told = run("docker", "build", "--network=host", f"--tag={name}", ".")
    assert code == 0, told
    return name


class SimulatedContainer(CeleryTestContainer):
    """A simulated Ollama server in a container."""

    @property
    def address(self) -> str:
        """For other containers."""
        return f"{self.attrs['Config']['Hostname']}:11434"

    def server(self) -> SimulatedOllama:
        """For this process."""
        host, port = self.get_addr("11434/tcp")
        return SimulatedOllama(url=f"http://{host}:{port}")


simulated = container(
    image="{image}",
    command=[
        *("ollama-warmup", "simulate", "--host", "0.0.0.0", "--port", "11434"),
        *("--model", "llama3:8b?load=3s", "--model", "phi3:mini?load=100ms"),
    ],
    network="{default_pytest_celery_network.name}",
    ports={"11434/tcp": None},
    wrapper_class=SimulatedContainer,
)


class Redis(RedisContainer):
    """The Redis of docker-compose.yml, which keeps what it was told."""

    @classmethod
    def image(cls) -> str:
        name: str = REDIS["image"]
        return name

    @classmethod
    def command(cls, *_: str, **__: Any) -> list[str]:
        return [word if "$" not in word else ">e2e" for word in REDIS["command"]]

    @classmethod
    def prefix(cls) -> str:
        return "redis://ollama-warmup:e2e@"


@pytest.fixture
def default_redis_broker_cls() -> type[Redis]:
    return Redis


default_redis_broker = container(
    image="{default_redis_broker_image}",
    ports=fxtr("default_redis_broker_ports"),
    network="{default_pytest_celery_network.name}",
    wrapper_class=Redis,
    command=fxtr("default_redis_broker_command"),
    timeout=START_S,
)


@pytest.fixture
def celery_broker(celery_redis_broker: Any) -> Any:
    """Redis alone, of the brokers that Celery knows."""
    return celery_redis_broker


@pytest.fixture
def celery_worker(celery_setup_worker: Any) -> Any:
    """The one kind of worker there is."""
    return celery_setup_worker


@pytest.fixture
def celery_backend_cluster() -> None:
    """Results are kept by the broker."""


class Worker(CeleryWorkerContainer):
    """One worker for all queues, confined as docker-compose.yml confines it."""

    @classmethod
    def command(cls, *_: str, **__: Any) -> list[str]:
        return ["celery", "-A", "worker", "worker", "--loglevel=INFO"]

    @property
    def ready_prompt(self) -> str:
        return " ready."


@pytest.fixture
def default_worker_container_cls() -> type[Worker]:
    return Worker


@pytest.fixture
def default_worker_env(
    celery_worker_cluster_config: dict[str, Any], simulated: SimulatedContainer
) -> dict[str, str]:
    broker = celery_worker_cluster_config["celery_broker_cluster_config"]
    return {
        "OLLAMA_HOST": simulated.address,
        "OLLAMA_WARMUP_BROKER_URL": broker["urls"][0],
        "OLLAMA_WARMUP_HEALTH_FILE": "/tmp/healthy",  # noqa: S108 - in a container
    }


default_worker_container = container(
    image="{image}",
    environment=fxtr("default_worker_env"),
    network="{default_pytest_celery_network.name}",
    wrapper_class=Worker,
    command=fxtr("default_worker_command"),
    read_only=APP["read_only"],
    tmpfs=dict(place.split(":") for place in APP["tmpfs"]),
    cap_drop=APP["cap_drop"],
    security_opt=APP["security_opt"],
    timeout=START_S,
)


class Containers:
    """A worker, a Redis and a simulated server, each in a container."""

    def __init__(self, setup: Any, simulated: SimulatedContainer) -> None:
        self.worker = setup.worker
        self.broker = setup.broker
        self.ollama = simulated.server()

    def warm(self, model: str) -> dict[str, Any]:
        """Warm a model from within the worker's container, and wait."""
        command = ["ollama-warmup", "warm", "--json", model]
        code, output = self.worker.container.exec_run(command, stderr=False)
        assert code == 0, output
        result: dict[str, Any] = json.loads(output)["models"][0]["result"]
        return result

    def begin_to_warm(self, model: str) -> None:
        """Likewise; returns when the load has begun."""
        command = ["ollama-warmup", "warm", model]
        self.worker.container.exec_run(command, detach=True)
        begun = f"Warming up Ollama model: {model}"
        until(lambda: self.said(begun), "the load has begun", seconds=20)

    def said(self, text: str) -> bool:
        return text in self.worker.logs()

    def is_healthy(self) -> bool:
        """What the probe of docker-compose.yml says."""
        probe = APP["healthcheck"]["test"][1]
        code: int = self.worker.container.exec_run(["sh", "-c", probe])[0]
        return code == 0


@pytest.fixture
def system(celery_setup: Any, simulated: SimulatedContainer) -> Containers:
    """A worker that is ready, a Redis, a simulated Ollama."""
    assert celery_setup.ready()
    return Containers(celery_setup, simulated)
