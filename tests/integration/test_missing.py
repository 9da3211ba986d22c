"""What each command says when what it needs is not there."""

import pytest
from typer.testing import CliRunner

from worker.cli import cli
from worker.cli.supervisor import free_port

ALONE = [["ps"], ["status"], ["plan"], ["events"], ["pause"], ["resume"]]
WITH_A_MODEL = [["warm", "tiny"], ["pull", "tiny"], ["unload", "tiny"]]


def run(words):
    return CliRunner().invoke(cli, words)


@pytest.mark.parametrize("words", ALONE + WITH_A_MODEL, ids=" ".join)
def test_each_command_without_redis_says_how_to_start_a_broker(words, environment):
    environment(BROKER_URL=f"redis://:secret@127.0.0.1:{free_port()}/0")

    ended = run(words)

    assert ended.exit_code == 3
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"ollama-warmup {words[0]}: Redis")
    assert "`ollama-warmup up` brings a broker" in ended.stderr
    assert "secret" not in ended.stderr


@pytest.mark.usefixtures("unserved")
@pytest.mark.parametrize("words", [["ps"], ["status"], ["events"]], ids=" ".join)
def test_a_command_that_shows_passes_says_that_none_has_reported(words):
    ended = run(words)

    assert ended.exit_code == 4
    assert "no pass has reported in the namespace ollama-warmup yet" in ended.stderr
    assert "`ollama-warmup up`" in ended.stderr


@pytest.mark.usefixtures("unserved")
@pytest.mark.parametrize("words", WITH_A_MODEL, ids=" ".join)
def test_a_command_that_waits_says_that_no_worker_answers(words, monkeypatch):
    monkeypatch.setattr("worker.cli.dispatch.PING_S", 0.2)

    ended = run([*words, "--timeout", "0.8s"])

    assert ended.exit_code == 4
    assert "no worker answers; what was sent waits for one" in ended.stderr
    assert "tiny: failed (TimedOut)" in ended.stdout


@pytest.mark.parametrize("words", WITH_A_MODEL, ids=" ".join)
def test_a_command_that_does_not_wait_prints_the_task_that_it_sent(words, unserved):
    ended = run([*words, "--no-wait"])

    assert ended.exit_code == 0
    assert ended.stdout.startswith("tiny: sent, task ")
    queue = {"pull": "ollama.pull", "unload": "ollama.touch"}.get(words[0])
    key = f"ollama-warmup:{queue or 'ollama.control'}"
    assert unserved.redis.llen(key) == 1
