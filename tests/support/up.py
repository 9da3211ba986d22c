"""`ollama-warmup up` in a process, and the processes that it leaves."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import redis

from tests.support.programs import command
from tests.support.waiting import until

COMMAND = [sys.executable, "-m", "worker.cli"]
ALONE = ("--flower-port", "0", "--web-port", "0")
"""Options for a system whose pages no test looks at."""


class Up:
    """A running `up`, and what it has printed so far."""

    def __init__(self, state, ollama, *options, hosts="", more=None):
        self.mark = f"up-{uuid.uuid4()}"
        self.state = state
        self.env = os.environ | {
            "XDG_STATE_HOME": str(state),
            "OLLAMA_HOST": ollama,
            "OLLAMA_WARMUP_SECRET_GPU": "hunter2",
            "OLLAMA_WARMUP_WEB_TOKEN": "hunter2",
        }
        if hosts:
            self.env["OLLAMA_WARMUP_HOSTS"] = hosts
        self.env |= more or {}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*COMMAND, "up", *options],
            env=self.env | {"MARK": self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        assert self.process.stdout
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def said(self, text, *, times=1):
        return "".join(self.lines).count(text) >= times

    def wait_until_said(self, text, *, times=1, seconds=60.0):
        """Wait until it has printed a text so many times; returns itself."""
        until(
            lambda: self.said(text, times=times),
            f"`up` prints {text!r} {times} times",
            seconds=seconds,
            seen=lambda: "".join(self.lines[-20:]),
        )
        return self

    def ready(self):
        return self.wait_until_said("all are ready")

    def pid(self, name):
        return int(re.findall(rf" {name} .*pid (\d+)\)", "".join(self.lines))[-1])

    @property
    def broker_url(self):
        """The URL of its Valkey, as it prints it."""
        return re.findall(r"redis://\S+", "".join(self.lines))[0]

    def broker(self):
        return redis.Redis.from_url(self.broker_url)

    def run(self, *words, **env):
        """Run a command in another terminal of the same user."""
        return command(*words, env=self.env | env)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(timeout=40)
        self._reader.join(timeout=40)
        assert self.process.stdout
        self.process.stdout.close()
        return self.process.returncode


def marked(mark):
    """Return the pids of all processes that have inherited a mark."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:  # gone, or of another user
            continue
    return found
