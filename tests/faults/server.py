"""The Ollama of a cell: simulated, or a real one, told apart by nothing else."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench import report
from tests.support.ollama import Ollama, SimulatedOllama, start_simulated
from worker.cli.supervisor import Supervisor, free_port, listens

NAME = "ollama"
"""Of its process."""
KEPT = "kept"
LOADS_S = {KEPT: 2.0, "other": 2.0, "asked": 6.0, "long": 30.0}
REAL = (KEPT, "other", "asked")
"""What a real server has: nothing that takes 30 s to load."""
ROOM = 4
SHORTEST_S = 2.0
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a server has done since it was started."""

    loads: int = 0
    """Begun."""
    cut: int = 0
    """Loads that ended because who had asked was gone."""
    gone: int = 0
    """Models unloaded by hand, or by their keep-alive."""


class Server(Protocol):
    """One Ollama with a model for each part that one plays in a cell."""

    @property
    def loads_s(self) -> Mapping[str, float]:
        """Seconds of a load, by the model's part."""

    @property
    def slug(self) -> str:
        """For a folder's name."""

    @property
    def told(self) -> str:
        """What it is, for a reader."""

    def name(self, part: str) -> str:
        """What the server calls a model."""

    def start(self, supervisor: Supervisor, url: str) -> None:
        """Let it listen there."""

    def counts(self, supervisor: Supervisor, url: str) -> Counts:
        """Since it was started last; raises what httpx raises."""


@dataclass(frozen=True, slots=True)
class SimulatedServer:
    """It counts by itself."""

    @property
    def loads_s(self) -> Mapping[str, float]:
        return LOADS_S

    @property
    def slug(self) -> str:
        return "simulated"

    @property
    def told(self) -> str:
        return "a simulated Ollama that counts its loads"

    def name(self, part: str) -> str:
        return part

    def start(self, supervisor: Supervisor, url: str) -> None:
        models = [f"{model}?load={load_s:g}s" for model, load_s in LOADS_S.items()]
        flags = ("--max-loaded-models", str(ROOM))
        start_simulated(supervisor, [_port(url)], models=models, flags=flags)

    def counts(self, supervisor: Supervisor, url: str) -> Counts:
        del supervisor
        now = SimulatedOllama(url=url, view_s=1.0).stats()
        return Counts(
            loads=now["loads"],
            cut=now["cancelled_loads"],
            gone=now["unloads"] + now["expirations"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """Its log tells what it does, as that of 0.24 and 0.33 does."""

    program: Path
    store: Path | None
    """Folder of its models (OLLAMA_MODELS); None: the program's own."""
    names: tuple[str, ...]
    """Of `REAL`."""
    seconds: tuple[float, ...] = (0.0,) * len(REAL)
    """Of their loads."""
    version: str = ""

    @property
    def loads_s(self) -> Mapping[str, float]:
        return dict(zip(REAL, self.seconds, strict=True))

    @property
    def slug(self) -> str:
        return "real"

    @property
    def told(self) -> str:
        loads = [
            f"`{part}` is {name}, S takes {seconds:.1f} s for it"
            for part, name, seconds in zip(REAL, self.names, self.seconds, strict=True)
        ]
        return f"a real Ollama {self.version}, whose log tells its loads; " + (
            "; ".join(loads)
        )

    def name(self, part: str) -> str:
        return self.names[REAL.index(part)]

    def start(self, supervisor: Supervisor, url: str) -> None:
        env = {
            "OLLAMA_HOST": url,
            "OLLAMA_DEBUG": "1",
            "OLLAMA_NO_CLOUD": "1",
            "OLLAMA_NOPRUNE": "1",
            "OLLAMA_MAX_LOADED_MODELS": str(ROOM),
        }
        if self.store:
            env["OLLAMA_MODELS"] = str(self.store)
        supervisor.start(
            NAME,
            (str(self.program), "serve"),
            env=env,
            ready=lambda: listens(_port(url)),
            is_last=True,
        )

    def counts(self, supervisor: Supervisor, url: str) -> Counts:
        del url
        log = supervisor.processes[NAME].output()
        cut = log.count("finished loading, aborting load")
        # A model also goes to make room, its own next load's included: not gone.
        forced = log.count("resetting model to expire immediately to make room")
        failed = log.count("triggering expiration for failed load")
        gone = log.count("runner terminated and removed from list")
        return Counts(
            loads=len(_BEGUN.findall(log)), cut=cut, gone=gone - forced - failed
        )

    def measured(self, jobs: int) -> "Real":
        """Load each model twice; the second time counts, and for each job once.

        Raises:
            ValueError: a model cannot be loaded, or in too short a time.
        """
        url = f"http://127.0.0.1:{free_port()}"
        ollama = Ollama(url=url, answer_s=PATIENCE_S)
        with Supervisor(grace_s=3) as supervisor:
            self.start(supervisor, url)
            supervisor.wait_ready(timeout_s=60, progress=lambda _: None)
            seconds = [
                [_load_s(ollama, name) for _ in range(2)][-1] for name in self.names
            ]
            version = report.ollama_version(url)
            if self.counts(supervisor, url).loads != 2 * len(self.names):
                raise ValueError(f"the log of Ollama {version} does not tell its loads")
        if seconds[-1] < SHORTEST_S:
            raise ValueError(
                f"{self.names[-1]} loads in {seconds[-1]:.1f} s, but is struck after "
                f"1 s and more: name one last that takes {SHORTEST_S:g} s"
            )
        together = tuple(round(jobs * one, 1) for one in seconds)
        return replace(self, seconds=together, version=version)


_BEGUN = re.compile(r"starting llama-server|starting runner.*--model")
"""Without a model a runner looks for devices."""


def real(program: Path, models: str) -> Real:
    """Read what the command line says.

    Raises:
        ValueError: these are not three models.
    """
    names = tuple(name.strip().removesuffix(":latest") for name in models.split(","))
    if len(set(names)) != len(REAL) or not all(names):
        raise ValueError(f"--models wants three different ones, not {models!r}")
    store = os.environ.get("OLLAMA_MODELS")
    return Real(program=program, store=Path(store) if store else None, names=names)


def _load_s(ollama: Ollama, model: str) -> float:
    began = time.monotonic()
    answer = ollama.ask(model)
    took_s = time.monotonic() - began
    if answer.is_error:
        raise ValueError(f"Ollama refuses {model}: {answer.text}")
    ollama.unload(model)
    return took_s


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
