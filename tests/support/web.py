"""The web service for tests: asked in this process, or in one of its own."""

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager

import httpx

from ollama_warmup import settings
from tests.support.readiness import wait_until_sent
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


@contextmanager
def serve(url, **env):
    """The command in a process of its own; yields it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", "web", "--port", "0"],
        env=os.environ | {"OLLAMA_WARMUP_BROKER_URL": url} | env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline().split()[3]
    finally:
        process.kill()
        process.communicate()
