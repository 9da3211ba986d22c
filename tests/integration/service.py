"""The web service for tests: asked in this process, or in one of its own."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import Any

import httpx

from ollama_warmup import health, report, settings
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from worker.web import app
from worker.web.board import Board
from worker.web.gate import Door


def told(unserved, name, conditions, age_s=0.0, **more):
    """Write what the last pass saw on a host."""
    at = time.time() - age_s
    targets = tuple(
        TargetReport(
            model=model,
            wanted=f"{model}?num_ctx=512",
            condition=condition,
            since=at,
            is_ready=condition is Condition.WARM,
            weights="sha256-1",
        )
        for model, condition in conditions.items()
    )
    given: Any = {"state": HostState.UP, "enabled": True, "tick_s": 10} | more
    seen = HostReport(host=name, url=f"http://{name}", at=at, targets=targets, **given)
    unserved.redis.hset(report.key("ollama-warmup"), name, report.dump(seen))


def ask(*calls, door=None, base="http://127.0.0.1:11480"):
    """Ask a service in this process; a call is (method, path, options of httpx)."""

    async def ask():
        service = app.make(Board(settings.current()), door=door or Door())
        transport = httpx.ASGITransport(service)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            asked = (client.request(m, p, **rest) for m, p, rest in calls)
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    while health.asking:
        time.sleep(0.01)
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
