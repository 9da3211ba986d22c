"""`ollama-warmup warm` as a person and as a script use it."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.support.programs import command
from tests.support.waiting import until
from worker.cli.supervisor import free_port


def warm(system, *words, **env):
    return command("warm", *words, env=system.environment | env)


def test_warm_without_a_terminal_prints_one_line_a_model(system):
    ended = warm(system, "tiny", "embedder")

    assert ended.returncode == 0
    tiny, embedder = ended.stdout.splitlines()
    assert tiny.startswith("tiny: loaded, ")
    assert re.search(r" s, context 4096, expires in (30|2\d)s$", tiny)
    assert embedder.startswith("embedder: loaded, ")
    assert ended.stderr == ""


def test_warm_as_json_prints_a_result_or_an_error_for_each_model(system):
    ended = warm(system, "tiny?num_ctx=2048", "nope", "--json")

    good, bad = json.loads(ended.stdout)["models"]
    assert ended.returncode == 1
    assert good["request"] == "tiny?num_ctx=2048"
    assert good["result"]["context_length"] == 2048
    assert bad["error"]["type"] == "UnknownModel"
    assert "ollama pull nope" in bad["error"]["message"]


def test_warm_names_the_next_step_for_a_model_that_fails(system):
    ended = warm(system, "tiny", "nope")

    assert ended.returncode == 1
    assert "tiny: loaded" in ended.stdout
    assert "nope: failed (UnknownModel)" in ended.stdout
    assert "ollama pull nope" in ended.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tiny?nun_ctx=1"], "did you mean num_ctx?"),
        (["tiny", "--host", "GPU"], "is no host name"),
        (["tiny", "--timeout", "90"], "write 90s"),
        ([], "Missing argument"),
    ],
)
def test_warm_refuses_wrong_arguments_before_anything_is_sent(system, words, told):
    before = system.ollama.stats()["requests"]

    ended = warm(system, *words)

    assert ended.returncode == 2
    assert told in ended.stderr
    assert system.ollama.stats()["requests"].get("/api/show") == before.get("/api/show")


def test_warm_without_a_broker_says_how_to_start_one(system):
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"

    ended = warm(system, "tiny", OLLAMA_WARMUP_BROKER_URL=url)

    assert ended.returncode == 3
    assert "`ollama-warmup up` brings a broker" in ended.stderr
    assert "secret" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_load_goes_on_when_the_wait_of_warm_is_over(system):
    ended = warm(system, "mid", "--timeout", "0.5s")

    assert ended.returncode == 4
    assert "mid: failed (TimedOut)" in ended.stdout
    assert "it goes on" in ended.stderr
    until(lambda: "mid:latest" in system.ollama.resident(), "mid is loaded")


def test_warm_says_that_no_worker_answers_before_its_time_is_over(system):
    ended = warm(system, "tiny", "--timeout", "4s", OLLAMA_WARMUP_NAMESPACE="empty")

    assert ended.returncode == 4
    assert "no worker answers" in ended.stderr
    assert "    ollama-warmup up\n" in ended.stderr


def test_warm_shows_a_bar_for_each_model_in_a_terminal(system):
    ours, theirs = os.openpty()
    env = os.environ | system.environment | {"TERM": "xterm", "COLUMNS": "120"}
    argv = [sys.executable, "-m", "worker.cli", "warm", "tiny"]

    ended = subprocess.run(argv, env=env, stderr=theirs, timeout=40, check=False)

    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert ended.returncode == 0
    assert "━━" in shown
    assert "queued" in shown
