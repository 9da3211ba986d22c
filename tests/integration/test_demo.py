"""The demo against a server that it did not start, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tests.support.programs import command
from tests.support.up import marked
from tests.support.waiting import until

DEMO = [sys.executable, "-m", "worker.cli", "demo"]


def run(system, *options):
    return command("demo", *options, env={"OLLAMA_HOST": system.ollama.url})


def test_the_demo_refuses_a_model_that_is_loaded_already(system):
    system.application.warmup("tiny")
    loads = system.ollama.loads()

    ended = run(system, "--model", "tiny")

    assert ended.returncode == 2
    assert "ollama stop tiny:latest" in ended.stderr
    assert system.ollama.loads() == loads
    assert "tiny:latest" in system.ollama.resident()


def test_the_demo_lists_other_loaded_models_and_sends_nothing_without_a_yes(system):
    system.application.warmup("tiny")
    loads = system.ollama.loads()

    ended = run(system, "--model", "tiny2")

    assert ended.returncode == 2
    assert "    tiny:latest\n" in ended.stderr
    assert "--yes" in ended.stderr
    assert system.ollama.loads() == loads


def test_the_demo_on_a_given_server_loads_once_unloads_nothing_and_stays(system):
    system.application.warmup("tiny")
    before = system.ollama.stats()

    demo = subprocess.Popen(
        [*DEMO, "--model", "mid?num_ctx=2048", "--yes", "--keep"],
        env=os.environ | {"OLLAMA_HOST": system.ollama.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout
    shown = []
    for line in demo.stdout:
        shown.append(line)
        if "Ctrl-C ends everything" in line:
            break
    time.sleep(0.5)
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=40)

    after = system.ollama.stats()
    assert demo.returncode == 0
    assert "Everything that the demo started has ended." in rest
    assert "times faster" in "".join(shown)
    assert "20 callers at once were answered: " in "".join(shown)
    assert after["loads"] == before["loads"] + 1
    assert after["unloads"] == before["unloads"]
    assert system.ollama.resident()["mid:latest"]["context_length"] == 2048


def test_the_demo_ends_at_an_unknown_model_with_the_command_that_pulls_it(system):
    ended = run(system, "--model", "nope")

    assert ended.returncode == 1
    assert "ollama pull nope" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_demo_refuses_a_wrong_request_before_anything_starts(system):
    ended = run(system, "--model", "tiny?nun_ctx=1")

    assert ended.returncode == 1
    assert "did you mean num_ctx" in ended.stderr


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_that_is_ended_half_way_leaves_no_process_behind(number):
    mark = f"demo-{uuid.uuid4()}"
    demo = subprocess.Popen(
        DEMO,
        env=os.environ | {"MARK": mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: len(marked(mark)) >= 6, "six processes of the demo run")

    os.kill(demo.pid, number)
    demo.communicate(timeout=40)

    until(lambda: not marked(mark), "no process of the demo runs")
