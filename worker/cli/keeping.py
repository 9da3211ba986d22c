"""The demo's second act: passes keep the models warm, whatever happens to them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table

from ollama_warmup.durations import format_short
from ollama_warmup.errors import WarmupError
from ollama_warmup.report import TargetReport
from worker import runtime
from worker.cli.supervisor import Supervisor
from worker.core import telling
from worker.core.passes import Event, Kind

WINDOW_S, WINDOWS = 4, 3
"""The models' keep-alive, and how many of them they are left alone."""
TICK_S = 1
WANTED = tuple(
    f"{model}?keep_alive={WINDOW_S}s" for model in ("llama3:8b", "nomic-embed-text")
)
"""What the simulated host shall have warm; two models fit."""
FOREIGN = "qwen3:4b"
"""What somebody else asks for."""
LONGEST_S = 30.0
ALL = "*"
_COLOURS = {"warm": "green", "loading": "yellow", "queued": "yellow", "failing": "red"}


class NotKept(WarmupError):
    """The demo did not see the models kept warm."""


def pause() -> None:
    """Let passes send nothing, so that a cold model stays cold."""
    runtime.passes().pause(ALL)


class Keeping:
    """Watches the passes of the demo's system, and does things to its host."""

    def __init__(self, supervisor: Supervisor, *, ollama_url: str) -> None:
        """Do nothing yet; the host's process is the supervisor's `ollama`."""
        self._supervisor = supervisor
        self._url = ollama_url
        self._console = Console(highlight=False)

    def show(self) -> None:
        """Play it; raises `NotKept` for what was not seen."""
        self._console.print("\nFrom now on passes keep two models warm, one a second.")
        runtime.passes().resume(ALL)
        with self._scene("Both are loaded, the most wanted first") as until:
            until(self._all_warm)
        self._windows()
        self._eviction()
        self._restart()

    def _windows(self) -> None:
        loads, ends_at = self._loads(), time.monotonic() + WINDOWS * WINDOW_S
        what = f"Nobody asks for {WINDOWS} keep-alive windows of {WINDOW_S} s"
        with self._scene(what) as until:
            until(lambda: time.monotonic() > ends_at)
        if not self._all_warm() or self._loads() != loads:
            raise NotKept("a keep-alive window was to be held by touches, but ran out")
        self._console.print("  They are still loaded: touches have held them.")

    def _eviction(self) -> None:
        what = f"Somebody asks for {FOREIGN}, for which one has to go"
        with self._scene(what) as until:
            self._post(FOREIGN, keep_alive=f"{WINDOW_S}s")
            until(lambda: not self._all_warm())
            until(self._all_warm)
        if not any(e.kind is Kind.EVICTED for e in self._events()):
            raise NotKept(f"{FOREIGN} was to take a model's room, but no pass saw it")
        self._console.print("  It has come back when the other one was idle.")

    def _restart(self) -> None:
        pid = self._supervisor.processes["ollama"].pid
        with self._scene("Ollama is killed, and started again") as until:
            if pid:
                os.kill(pid, signal.SIGKILL)
            until(lambda: any(list(self._supervisor.deaths())))
            self._supervisor.restart("ollama")
            until(self._supervisor.processes["ollama"].is_ready)
            until(lambda: not self._all_warm())
            until(self._all_warm)
        if self._loads() != len(WANTED):
            raise NotKept(f"{len(WANTED)} loads were to restore all: {self._loads()}")
        self._console.print("  Both are back, each loaded once.")

    @contextmanager
    def _scene(self, what: str) -> Iterator[Callable[[Callable[[], bool]], None]]:
        """A live table under a heading; yields a wait that can be bounded."""
        self._console.print(f"[bold]{what}[/]")
        with Live(console=self._console, transient=True) as live:

            def until(is_so: Callable[[], bool]) -> None:
                deadline = time.monotonic() + LONGEST_S
                while not is_so():
                    live.update(_table(self._targets()))
                    if time.monotonic() > deadline:
                        raise NotKept(self._not_seen(what))
                    time.sleep(0.1)

            yield until
        self._console.print(_table(self._targets()))

    def _not_seen(self, what: str) -> str:
        events = [telling.sentence(event) for event in self._events()[:10]]
        last = "\n".join(reversed(events))
        return f"not seen within {LONGEST_S:.0f} s: {what}; the last events:\n{last}"

    def _targets(self) -> tuple[TargetReport, ...]:
        return tuple(t for r in runtime.passes().reports() for t in r.targets)

    def _all_warm(self) -> bool:
        now = [target.condition.value for target in self._targets()]
        return now == ["warm"] * len(WANTED)

    def _events(self) -> list[Event]:
        return [e.event for e in runtime.passes().log.backwards() if e.event]

    def _loads(self) -> int:
        return int(httpx.get(f"{self._url}/_sim/stats").json()["loads"])

    def _post(self, model: str, **body: object) -> None:
        ask = {"model": model, "prompt": "hi", "stream": False} | body
        ask["options"] = {"num_predict": 1}
        httpx.post(f"{self._url}/api/generate", json=ask, timeout=60)


def _table(targets: tuple[TargetReport, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("  MODEL", "CONDITION", "COLD IN", "WHY"):
        table.add_column(heading)
    for target in targets:
        left_s = target.left_s
        left = format_short(left_s) if left_s is not None and left_s > 0 else "-"
        colour = _COLOURS.get(target.condition.value, "")
        condition = target.condition.value
        shown = f"[{colour}]{condition}[/]" if colour else condition
        table.add_row(f"  {target.model}", shown, left, target.why)
    return table
