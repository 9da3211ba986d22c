"""What the compose files promise, by their text and as Docker Compose reads them."""

import json
import os
import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pytest

import celeryconfig
from tests.support.compose import DEVELOPMENT, OURS, PRODUCTION, ROOT, services, text
from worker.cli.system import QUEUES

FILES = (PRODUCTION, DEVELOPMENT)
EXAMPLE = ROOT / ".env.example"


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", OURS)
def test_our_processes_can_do_no_more_than_they_need(file, name):
    service = services(file)[name]

    assert service["image"].startswith("ollama-warmup:")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert "python" not in " ".join(service["healthcheck"]["test"])
    assert isinstance(service["command"], list)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", QUEUES)
def test_workers_consume_the_same_queues_as_in_one_terminal(file, name):
    options = services(file)[name]["command"][5:]

    assert QUEUES[name]
    assert options[: len(QUEUES[name])] == list(QUEUES[name])


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", QUEUES)
def test_a_worker_may_end_its_soft_shutdown(file, name):
    service = services(file)[name]

    grace_s = int(service["stop_grace_period"].removesuffix("s"))
    assert grace_s >= celeryconfig.worker_soft_shutdown_timeout + 10
    assert service["environment"]["REMAP_SIGTERM"] == "SIGQUIT"


@pytest.mark.parametrize("file", FILES)
def test_every_port_is_published_on_loopback_alone_and_redis_has_none(file):
    published = {n: s["ports"] for n, s in services(file).items() if "ports" in s}

    assert {"ollama", "web", "flower"} <= set(published)
    assert "redis" not in published
    for port in chain.from_iterable(published.values()):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("service", ["redis", "ollama"])
def test_foreign_images_have_a_version(file, service):
    assert re.search(r":\d+\.\d+\.\d+", services(file)[service]["image"])


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "line",
    [
        'OLLAMA_NUM_PARALLEL: "1" # Reduce contention during loading',
        'OLLAMA_KEEP_ALIVE: "24h" # Keep models loaded longer',
        'OLLAMA_MAX_LOADED_MODELS: "2" # Limit concurrent models',
        'volumes: ["ollama_data:/root/.ollama"]',
        "OLLAMA_WARMUP_MODELS: ${OLLAMA_WARMUP_MODELS:-llama3:8b}",
    ],
    ids=lambda line: line.partition(":")[0],
)
def test_both_files_have_the_line_of_the_guide(file, line):
    assert f" {line}" in text(file)


def test_each_file_has_its_own_default_for_acting():
    assert "${OLLAMA_WARMUP_ENABLED:-false}" in text(PRODUCTION)
    assert "${OLLAMA_WARMUP_ENABLED:-true}" in text(DEVELOPMENT)


def test_development_has_the_container_of_the_guide():
    ollama = services(DEVELOPMENT)["ollama"]

    assert ollama["container_name"] == "deepiri-ollama-dev"
    assert "profiles" not in ollama


@pytest.mark.parametrize("file", FILES)
def test_a_gpu_is_a_profile_that_answers_under_the_name_ollama(file):
    service = services(file)["ollama-gpu"]

    assert service["profiles"] == ["gpu"]
    assert service["networks"]["default"]["aliases"] == ["ollama"]


def test_the_example_has_every_secret_that_production_asks_for():
    asked = set(re.findall(r"\$\{(\w+):\?set it in \.env\}", text(PRODUCTION)))
    example = set(re.findall(r"^(\w+)=", EXAMPLE.read_text(), re.MULTILINE))

    assert asked == example
    assert {"REDIS_PASSWORD", "FLOWER_BASIC_AUTH"} <= asked


@pytest.mark.parametrize(
    "name", re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
)
def test_a_variable_of_the_example_is_used_by_production_or_by_compose(name):
    assert name == "COMPOSE_PROFILES" or f"${{{name}:" in text(PRODUCTION)


def run(*argv):
    """Without this machine's variables: HOME is where plug-ins of docker may be."""
    return subprocess.run(
        argv,
        cwd=ROOT,
        env={"HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )


def program():
    docker, alone = shutil.which("docker"), shutil.which("docker-compose")
    if docker and run(docker, "compose", "version").returncode == 0:
        return [docker, "compose"]
    if alone:
        return [alone]
    pytest.skip("Docker Compose is not on this machine")


@pytest.fixture(scope="module")
def compose():
    """`compose(file, env_file)`: what Docker Compose makes of a file."""
    found = program()

    def config(file, env_file=os.devnull):
        told = (f"--env-file={env_file}", f"--file={file}", "config", "--format=json")
        return run(*found, *told)

    return config


def test_production_does_not_start_without_secrets(compose):
    done = compose(PRODUCTION)

    assert done.returncode != 0
    assert "set it in .env" in done.stderr


@pytest.mark.parametrize(
    ("file", "env_file", "enabled"),
    [
        (PRODUCTION, EXAMPLE, "false"),
        (DEVELOPMENT, EXAMPLE, "true"),
        (DEVELOPMENT, os.devnull, "true"),
    ],
    ids=["production", "development", "development without .env"],
)
def test_compose_reads_our_services_with_the_variables_of_a_file(
    compose, file, env_file, enabled
):
    done = compose(file, env_file)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["services"]
    assert set(found) == {*OURS, "redis", "ollama"}
    told = found["worker"]["environment"]
    assert told["OLLAMA_WARMUP_ENABLED"] == enabled
    assert told["OLLAMA_WARMUP_MODELS"] == "llama3:8b"
