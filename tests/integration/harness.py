"""Real processes on loopback: a Valkey, a worker, an application, a simulator."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from worker.cli import system
from worker.cli.supervisor import Supervisor, listens

START_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A simulated Ollama in a process of its own."""

    url: str

    def loads(self) -> int:
        return int(self.stats()["loads"])

    def stats(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.url}/_sim/stats").json()
        return answer

    def history(self) -> list[dict[str, Any]]:
        answer: Any = httpx.get(f"{self.url}/_sim/history").json()
        return list(answer["history"])

    def post(self, path: str, /, **body: object) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=body, timeout=60)

    def delete(self, path: str, **body: object) -> httpx.Response:
        return httpx.request("DELETE", f"{self.url}{path}", json=body)

    def resident(self) -> dict[str, dict[str, Any]]:
        rows = httpx.get(f"{self.url}/api/ps").json()["models"]
        return {row["name"]: row for row in rows}

    def reset(self) -> Self:
        self.delete("/_sim/faults")
        for name in self.resident():
            self.post("/api/generate", model=name, keep_alive=0)
        while self.resident():
            pass
        return self


class Application:
    """A process that sends warm-ups as an application does."""

    def __init__(self, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.client"],
            env=os.environ | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(
        self,
        *args: object,
        task: str = "warmup",
        times: int = 1,
        wait_s: float = 50,
        **options: object,
    ) -> None:
        assert self._process.stdin
        sent: dict[str, Any] = {"task": task, "args": args, "options": options}
        sent |= {"times": times, "wait_s": wait_s}
        line = json.dumps(sent)
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answers(self) -> list[dict[str, Any]]:
        assert self._process.stdout
        answers: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return answers

    def ask(self, task: str, *args: object, **options: Any) -> dict[str, Any]:
        self.send(*args, task=task, **options)
        return self.answers()[0]

    def warmup(self, *args: object, **options: Any) -> dict[str, Any]:
        self.send(*args, **options)
        return self.answers()[0]

    def close(self) -> None:
        self._process.communicate()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


SERVE = (sys.executable, "-m", "worker")


def run_valkey(supervisor: Supervisor, port: int) -> str:
    """Start a Valkey that keeps nothing; returns its URL."""
    argv = system.valkey(port, folder=supervisor.folder)
    supervisor.start("valkey", argv, ready=lambda: listens(port), is_last=True)
    return f"redis://127.0.0.1:{port}/0"


def run_worker(
    supervisor: Supervisor, *options: str, env: Mapping[str, str], name: str = "worker"
) -> None:
    """Start a worker that consumes every queue, unless the options say otherwise."""
    supervisor.start(
        name,
        (*SERVE, "worker", "--loglevel=INFO", *options),
        env=env,
        ready=lambda: supervisor.said(name, " ready."),
    )


def run_simulator(supervisor: Supervisor, port: int, *options: str) -> Simulated:
    """Start a simulated Ollama."""
    argv = (sys.executable, "-m", "worker.cli", "simulate", "--port", str(port))
    supervisor.start(
        "ollama", (*argv, *options), ready=lambda: listens(port), is_last=True
    )
    return Simulated(url=f"http://127.0.0.1:{port}")
