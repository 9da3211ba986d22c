"""The web service for tests: asked in this process, or in one of its own."""

import asyncio
import os
import select
import subprocess
import sys

import httpx

from ollama_warmup import settings
from tests.support.readiness import wait_until_sent
from tests.support.waiting import until
from worker.web import app
from worker.web.board import Board
from worker.web.gate import Door


def ask(*calls, door=None, base="http://127.0.0.1:11480"):
    """Ask a service in this process; a call is (method, path, options of httpx)."""

    async def ask():
        service = app.make(Board(settings.current()), door=door or Door())
        transport = httpx.ASGITransport(service)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            asked = (client.request(m, p, **rest) for m, p, rest in calls)
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    wait_until_sent()
    return answers


def get(path, **rest):
    door = rest.pop("door", None)
    return ask(("GET", path, rest), door=door)[0]


def post(path, **rest):
    return ask(("POST", path, rest))[0]


class WebService:
    """`ollama-warmup web` in a process of its own, at one port."""

    def __init__(self, **variables: str) -> None:
        self._env = os.environ | variables
        self._port = 0
        self.start()

    def start(self) -> None:
        """Start it, again at the same port."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "web", "--port", str(self._port)],
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )
        out = self._process.stdout
        assert out
        until(lambda: select.select([out], [], [], 0)[0], "it prints its address")
        self.url = out.readline().split()[3]
        self._port = int(self.url.rpartition(":")[2])

    def stop(self) -> int:
        """End it as a supervisor does; returns its exit code."""
        self._process.terminate()
        self._process.communicate(timeout=40)
        return self._process.returncode
