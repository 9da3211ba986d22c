"""`status` and `top` beside a Redis that has reports, and no worker."""

import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
import threading

import pytest

from ollama_warmup.report import Condition
from tests.support.reports import write_report
from tests.support.waiting import until
from worker.cli import overview, standing, watching

COMMAND = [sys.executable, "-m", "worker.cli"]


@pytest.fixture
def told(unserved, monkeypatch):
    """Write what the last pass saw."""
    monkeypatch.setattr(standing, "ANSWER_S", 0.1)  # no worker will

    def told(age_s=0.0, **conditions):
        write_report(unserved, "gpu-1", conditions, age_s=age_s)

    return told


def test_status_of_a_ready_system_ends_with_0(told, unserved, capsys):
    told(tiny=Condition.WARM)
    unserved.redis.lpush("ollama-warmup:ollama.lane.gpu-1", "x")
    unserved.redis.sadd("ollama-warmup:paused", "gpu-2")

    code = overview.run(as_json=False)

    shown = capsys.readouterr()
    assert code == 0
    assert [line[9:] for line in shown.out.splitlines()[:6]] == [
        "yes",
        "1 up",
        "1 warm",
        "act, every 10s; the last one 0s ago",
        "none answers",
        "ollama.lane.gpu-1 1",
    ]
    assert shown.out.splitlines()[7] == "PAUSED   gpu-2"
    assert "no worker answers: start the system" in shown.err


@pytest.mark.parametrize(
    ("age_s", "condition", "code"),
    [(0, Condition.COLD, 1), (31, Condition.WARM, 4)],
    ids=["not ready", "not observed lately"],
)
def test_status_says_whether_the_system_is_ready(told, capsys, age_s, condition, code):
    told(age_s, tiny=condition)

    assert overview.run(as_json=True) == code

    document = json.loads(capsys.readouterr().out)
    assert document["ready"] is False
    assert document["targets"]["conditions"] == {condition.value: 1}
    assert document["passes"]["is_old"] is (code == 4)
    assert document["queues"]["ollama.control"] == 0


@pytest.mark.usefixtures("told")
def test_status_shows_the_broker_even_if_no_pass_has_reported(capsys):
    code = overview.run(as_json=False)

    shown = capsys.readouterr()
    assert code == 4
    assert "PASSES   none has reported" in shown.out
    assert "BROKER   127.0.0.1:" in shown.out
    assert "no pass has reported in the namespace ollama-warmup yet" in shown.err


class Terminal:
    """`top` in a terminal of 80 by 24, and what it has drawn."""

    def __init__(self):
        self.ours, theirs = os.openpty()
        self.resize(24, 80)
        self.process = subprocess.Popen(
            [*COMMAND, "top"],
            env=os.environ | {"TERM": "xterm", "NO_COLOR": "1"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.drawn = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while True:
            try:
                self.drawn += os.read(self.ours, 65_536)
            except OSError:  # the other end is closed
                return

    def resize(self, lines, columns):
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)

    def wait_until_drawn(self, text):
        until(
            lambda: text.encode() in self.drawn,
            f"`top` draws {text!r}",
            seen=lambda: self.drawn[-2_000:],
        )

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def ended(self):
        code = self.process.wait(timeout=40)
        self._reader.join(timeout=10)
        os.close(self.ours)
        return code


def test_top_counts_down_follows_the_terminal_and_the_reports_and_ends_by_q(told):
    told(**{f"m{n}": Condition.WARM for n in range(1, 22)})
    top = Terminal()

    top.wait_until_drawn("21 of 21 targets are ready")
    top.wait_until_drawn("1:3")  # of 1:40 that are left
    top.wait_until_drawn("2 more do not fit")
    top.resize(30, 100)
    top.wait_until_drawn("m21")
    told(m1=Condition.FAILING)
    top.wait_until_drawn("0 of 1 targets are ready")
    top.press("xq")
    assert top.ended() == 0
    assert b"\x1b[3" not in top.drawn  # NO_COLOR
    assert top.drawn.endswith(b"\x1b[?25h\x1b[?1049l")  # as it was before


def test_top_without_a_terminal_points_to_ps(told, capsys):
    told(tiny=Condition.WARM)

    assert watching.run([]) == 2
    assert "type `ollama-warmup ps`" in capsys.readouterr().err
