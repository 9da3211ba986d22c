"""Ollama servers as tests see them: any server by its API, a simulated one by /_sim."""

import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import httpx

from tests.support.waiting import until
from worker.cli.supervisor import Supervisor, listens


@dataclass(frozen=True, slots=True, kw_only=True)
class Ollama:
    """A server that runs; each method raises what httpx raises."""

    url: str
    view_s: float = 5.0
    """Time limit of a request that only reads."""
    answer_s: float = 60.0
    """Time limit of a request that may load a model."""
    agent: str = "tests"
    """The User-Agent of requests that may load a model."""

    def get(self, path: str) -> Any:
        """Return the JSON of an answer."""
        answer = httpx.get(f"{self.url}{path}", timeout=self.view_s, trust_env=False)
        return answer.json()

    def post(self, path: str, /, **body: object) -> httpx.Response:
        url = f"{self.url}{path}"
        return httpx.post(
            url,
            json=body,
            headers={"User-Agent": self.agent},
            timeout=self.answer_s,
            trust_env=False,
        )

    def delete(self, path: str, **body: object) -> httpx.Response:
        url = f"{self.url}{path}"
        return httpx.request("DELETE", url, json=body, trust_env=False)

    def ask(self, model: str, **rest: Any) -> httpx.Response:
        """Ask for an answer of one token, as an application does."""
        options = {"num_predict": 1} | rest.pop("options", {})
        body = {"model": model, "prompt": "hi", "stream": False, "options": options}
        return self.post("/api/generate", **(body | rest))

    def unload(self, *models: str) -> None:
        for model in models:
            self.post("/api/generate", model=model, keep_alive=0)

    def resident(self) -> dict[str, dict[str, Any]]:
        """Return the rows of `/api/ps`, by the model's full name."""
        return {row["name"]: row for row in self.get("/api/ps")["models"]}

    def loaded(self) -> set[str]:
        """Return the names of the loaded models, without the tag `latest`."""
        return set(short(self.resident()))


class SimulatedOllama(Ollama):
    """A simulated server, which also records what it did and was asked."""

    __slots__ = ()

    def stats(self) -> dict[str, Any]:
        """Return what it has counted since it was started."""
        answer: dict[str, Any] = self.get("/_sim/stats")
        return answer

    def loads(self) -> int:
        """Return how many loads it has begun."""
        return int(self.stats()["loads"])

    def requests(self, path: str) -> int:
        """Return how many requests for a path it has received."""
        return int(self.stats()["requests"].get(path, 0))

    def history(self) -> list[dict[str, Any]]:
        """Return its residencies, the first one first."""
        return list(self.get("/_sim/history")["history"])

    def fault(self, fault: str, **fields: object) -> None:
        """Let it fail from now on, as docs/simulator.md says."""
        self.post("/_sim/faults", fault=fault, **fields).raise_for_status()

    def reset(self) -> Self:
        """End all faults, and unload all models."""
        self.delete("/_sim/faults")
        self.unload(*self.resident())
        until(lambda: not self.resident(), f"{self.url} has unloaded all models")
        return self


def start_simulated(
    supervisor: Supervisor,
    ports: Sequence[int],
    *,
    models: Sequence[str] = (),
    flags: Sequence[str] = (),
    process: str = "ollama",
) -> list[SimulatedOllama]:
    """Start one process with a simulated server at each of some consecutive ports.

    Args:
        supervisor: ends it, after all that need it.
        ports: in a row.
        models: of each server, as `simulate --model` takes them.
        flags: further flags of `simulate`.
        process: the name of the process.
    """
    argv = [sys.executable, "-m", "worker.cli", "simulate", *flags]
    argv += ["--port", str(ports[0]), "--hosts", str(len(ports))]
    argv += itertools.chain(*(("--model", model) for model in models))
    supervisor.start(process, argv, ready=partial(listens, ports[-1]), is_last=True)
    return [SimulatedOllama(url=f"http://127.0.0.1:{port}") for port in ports]


def short(names: Iterable[str]) -> list[str]:
    """Return the names without the tag `latest`."""
    return [name.removesuffix(":latest") for name in names]
