"""The demo against a server that it did not start, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tests.integration.test_supervisor import until

DEMO = [sys.executable, "-m", "worker.cli", "demo"]


def marked(mark):
    """The processes that have inherited a mark in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:  # gone, or not ours
            continue
    return found


def run(stage, *options):
    env = os.environ | {"OLLAMA_HOST": stage.simulated.url}
    return subprocess.run(
        [*DEMO, *options],
        env=env,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_a_model_that_is_loaded_already_ends_it_with_what_to_type(stage):
    stage.warmup("tiny")
    loads = stage.simulated.loads()

    ended = run(stage, "--model", "tiny")

    assert ended.returncode == 2
    assert "ollama stop tiny:latest" in ended.stderr
    assert stage.simulated.loads() == loads
    assert "tiny:latest" in stage.simulated.resident()


def test_other_models_that_are_loaded_are_listed_and_nothing_is_sent(stage):
    stage.warmup("tiny")
    loads = stage.simulated.loads()

    ended = run(stage, "--model", "tiny2")

    assert ended.returncode == 2
    assert "    tiny:latest\n" in ended.stderr
    assert "--yes" in ended.stderr
    assert stage.simulated.loads() == loads


def test_on_a_real_server_it_loads_once_unloads_nothing_and_stays(stage):
    stage.warmup("tiny")
    before = stage.simulated.stats()

    demo = subprocess.Popen(
        [*DEMO, "--model", "mid?num_ctx=2048", "--yes", "--keep"],
        env=os.environ | {"OLLAMA_HOST": stage.simulated.url},
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

    after = stage.simulated.stats()
    assert demo.returncode == 0
    assert "Everything that the demo started has ended." in rest
    assert "times faster" in "".join(shown)
    assert "20 callers at once were answered: " in "".join(shown)
    assert after["loads"] == before["loads"] + 1
    assert after["unloads"] == before["unloads"]
    assert stage.simulated.resident()["mid:latest"]["context_length"] == 2048


def test_a_model_that_the_server_does_not_have_ends_it_with_the_command(stage):
    ended = run(stage, "--model", "nope")

    assert ended.returncode == 1
    assert "ollama pull nope" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_model_ends_it_before_anything_starts(stage):
    ended = run(stage, "--model", "tiny?nun_ctx=1")

    assert ended.returncode == 1
    assert "did you mean num_ctx" in ended.stderr


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind_when_it_is_ended_half_way(number):
    mark = f"demo-{uuid.uuid4()}"
    demo = subprocess.Popen(
        DEMO,
        env=os.environ | {"MARK": mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert until(lambda: len(marked(mark)) >= 6)

    os.kill(demo.pid, number)
    demo.communicate(timeout=40)

    assert until(lambda: not marked(mark))
