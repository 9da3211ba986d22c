"""`ollama-warmup simulate` as a person or a CI job starts it."""

import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.support.waiting import until

PROGRAM = """
import typer
from worker.cli.simulate import simulate
typer.run(simulate)
"""
COMMAND = [sys.executable, "-c", PROGRAM]


def start(*flags):
    return subprocess.Popen(
        [*COMMAND, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*flags):
    return subprocess.run(
        [*COMMAND, *flags], capture_output=True, text=True, check=False, timeout=20
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_web_prints_its_address_and_ends_at_once_even_at_work(number):
    with start("--port", "0", "--preset", "wire") as process:
        line = process.stdout.readline()
        url = line.split()[4]
        busy = {"model": "big", "prompt": "x"}
        at_work = threading.Thread(target=_post, args=(url, busy))
        at_work.start()
        until(lambda: httpx.get(f"{url}/_sim/stats").json()["is_loading"], "it loads")

        began = time.monotonic()
        process.send_signal(number)
        code = process.wait(timeout=5)
        ended_s = time.monotonic() - began
        at_work.join()

        assert line.startswith("Ollama simulator 0.33.0 on http://127.0.0.1:")
        assert "tiny:latest" in line
        assert (code, process.stdout.read(), process.stderr.read()) == (0, "", "")
    assert ended_s < 3  # the load that it was at takes 4.5


def test_a_port_in_use_is_a_sentence_and_exit_code_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run("--port", str(port))

    assert ended.returncode == 1
    assert "choose another --port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--model", "m?load=soon"], "write load=1.5s"),
        (["--keep-alive", "soon"], "--keep-alive"),
        (["--port", "65000", "--hosts", "1000"], "--hosts"),
        (["--speed", "0"], "--speed"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_bad_flag_is_named_on_stderr_with_exit_code_2(flags, told):
    ended = run(*flags)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_teaches_by_example():
    ended = run("--help")

    assert ended.returncode == 0
    assert "ollama-warmup simulate --port 0 --model" in ended.stdout


def _post(url, body):
    try:
        httpx.post(f"{url}/api/generate", json=body)
    except httpx.HTTPError:
        return
