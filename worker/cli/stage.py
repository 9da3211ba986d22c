"""What the demo plays, on processes that it starts and ends."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ollama_warmup import request, settings, warmup
from ollama_warmup.errors import WarmupError
from ollama_warmup.target import Target, resolve
from worker import warming
from worker.adapters.ollama import Ollama
from worker.cli import keeping
from worker.cli.supervisor import Supervisor, free_port, listens
from worker.cli.system import System

SIMULATED_MODEL = "llama3:8b"
SIMULATED_LIKE = "load=5s&token=25ms&size=4.7GB&context=8192"
CALLERS = 20
"""How many ask for the model at once."""
START_S = 30
LONGEST_S = 600
"""What the demo waits for at the most, seconds."""
FASTER = 2.0
"""The first answer must be this many times faster after the warm-up."""
SEEN, IN_THE_WAY = 0, 2
"""Exit codes."""

console = Console(highlight=False)


class NotSeen(WarmupError):
    """The demo did not see what it claims."""


def run(model: str | None, *, yes: bool, keep: bool) -> int:
    """Play it.

    Args:
        model: of the real Ollama at OLLAMA_HOST; None = a simulated one.
        yes: whether to go on beside other loaded models.
        keep: whether to leave everything running until Ctrl-C.

    Returns:
        The exit code.

    Raises:
        WarmupError: it was not seen, or something failed.
    """
    asked = model or SIMULATED_MODEL
    target = resolve(request.parse(asked), hosts=["default"]).target
    with Supervisor() as supervisor:
        url = settings.read().ollama_host if model else _simulate(supervisor)
        ollama = Ollama("default", url)
        if model and (obstacle := _in_the_way(ollama, target, yes=yes)):
            sys.stderr.write(obstacle)
            return IN_THE_WAY
        system = _start(supervisor, url, keeps=() if model else keeping.WANTED)
        console.print(f"Ollama   {url} ({'real' if model else 'simulated'})")
        console.print(f"Status   {system.web_url}")
        console.print(f"Flower   {system.flower_url}")
        stage = Stage(supervisor=supervisor, ollama=ollama, target=target, asked=asked)
        if model:
            stage.show_on_real()
        else:
            kept = keeping.Keeping(supervisor, ollama_url=url)
            stage.show_on_simulated()
            kept.show()
        if keep:
            _stay(supervisor, system)
    console.print("Everything that the demo started has ended.")
    return SEEN


def _simulate(supervisor: Supervisor) -> str:
    port = free_port()
    argv = [sys.executable, "-m", "worker.cli", "simulate"]
    argv += ["--preset", "demo", "--port", str(port), "--max-loaded-models", "2"]
    argv += ["--model", f"{SIMULATED_MODEL}?{SIMULATED_LIKE}"]
    supervisor.start("ollama", argv, ready=lambda: listens(port), is_last=True)
    return f"http://127.0.0.1:{port}"


def _in_the_way(ollama: Ollama, target: Target, *, yes: bool) -> str | None:
    """Why a real server is not touched, and what to type; None = go on.

    Raises:
        UnknownModel: the server does not have it.
    """
    ollama.show(target.model)
    resident = warming.find_resident(target, ollama)
    if resident is not None:
        return (
            f"{target.model} is loaded already, so there is no cold start to show.\n"
            "If nobody uses it, type this and run the demo again:\n\n"
            f"    ollama stop {resident.name}\n\n"
        )
    others = [resident.name for resident in ollama.view().residents]
    if yes or not others:
        return None
    return (
        f"Loading {target.model} may unload what {ollama.url} has loaded now:\n\n"
        + "".join(f"    {name}\n" for name in others)
        + "\nIf that does no harm, run the demo again with --yes (make: YES=1).\n"
    )


def _start(supervisor: Supervisor, url: str, *, keeps: Sequence[str]) -> System:
    system = System(
        ollama=url,
        keeps=keeps,
        tick_s=keeping.TICK_S,
        namespace="ollama-warmup-demo",
        valkey_port=free_port(),
        web_port=free_port(),
        flower_port=free_port(),
    )
    os.environ.update(system.environment)  # this process publishes, too
    system.start(supervisor)
    with _spinner("Starting the processes") as say:
        while not supervisor.processes["valkey"].is_ready():
            supervisor.check()
            time.sleep(0.02)
        keeping.pause()  # before beat sends the first pass: the model is to be cold
        supervisor.wait_ready(
            timeout_s=START_S, progress=lambda left: say(f"Starting {', '.join(left)}")
        )
    return system


def _stay(supervisor: Supervisor, system: System) -> None:
    console.print(f"Look at {system.web_url} or {system.flower_url}/tasks.")
    console.print("Ctrl-C ends everything.")
    with suppress(KeyboardInterrupt):
        while True:
            supervisor.check()
            time.sleep(0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the demo plays on: running processes, a host and one model of it."""

    supervisor: Supervisor
    ollama: Ollama
    target: Target
    asked: str
    """The request as text, options and all."""

    def show_on_simulated(self) -> None:
        """Cold answer, unload, warm-up, warm answer; loads are counted."""
        cold_s = self.first_token_s("Asking the cold model")
        with self.waiting(f"Unloading {self.target.model}") as until:
            self.ollama.unload(self.target.model)
            until(lambda: not self.ollama.view().residents)
        before = self.loads()
        result = self.warm()
        loads = self.loads() - before
        console.print(f"The simulated Ollama counted {loads} load(s) for all of them.")
        warm_s = self.first_token_s("Asking the warm model")
        if self.loads() - before != 1:
            raise NotSeen(
                f"{self.target.model} was loaded {self.loads() - before} times for "
                f"{CALLERS} callers and the first answer; once is what it claims"
            )
        _conclude(result, cold=("first answer, cold", cold_s), warm_s=warm_s)

    def show_on_real(self) -> None:
        """Warm-up and warm answer; the warm-up's own seconds are the cold ones."""
        result = self.warm()
        warm_s = self.first_token_s("Asking the warm model")
        cold = ("warm-up, as long as a cold first answer", float(result["total_s"]))
        _conclude(result, cold=cold, warm_s=warm_s)

    def warm(self) -> dict[str, Any]:
        """Send the tasks as applications do; returns the longest load's result."""
        with self.waiting(f'{CALLERS} times warmup.delay("{self.asked}")') as until:
            sent = [warmup.delay(self.asked) for _ in range(CALLERS)]
            until(lambda: all(pending.ready() for pending in sent))
        results: list[dict[str, Any]] = [pending.get(timeout=10) for pending in sent]
        counted = Counter(result["outcome"].replace("_", " ") for result in results)
        told = ", ".join(f"{n} {outcome}" for outcome, n in counted.most_common())
        console.print(f"{CALLERS} callers at once were answered: {told}.")
        loaded = [result for result in results if result["outcome"] == "loaded"]
        if not loaded:
            raise NotSeen(
                f"{self.target.model} was to be loaded by the warm-up, but the answers "
                f"were: {told}; somebody else loaded it"
            )
        return max(loaded, key=lambda result: float(result["total_s"]))

    def first_token_s(self, what: str) -> float:
        """Seconds until the model has answered with one token, or one vector."""
        model, options = self.target.model, self.target.options
        embed = self.ollama.show(model).is_embedding_only
        with self.waiting(what):
            began = time.monotonic()
            self.ollama.infer(
                model,
                options=options,
                keep_alive_s=None,
                embed=embed,
                prompt="hi",  # as short as the warm-up's, but not in the cache
            )
            return time.monotonic() - began

    def loads(self) -> int:
        """How many loads the simulated Ollama has started."""
        stats = httpx.get(f"{self.ollama.url}/_sim/stats").json()
        return int(stats["loads"])

    @contextmanager
    def waiting(self, what: str) -> Iterator[Callable[[Callable[[], bool]], None]]:
        """A spinner with the seconds so far; yields a wait that can be bounded."""

        def until(done: Callable[[], bool]) -> None:
            deadline = time.monotonic() + LONGEST_S
            while not done():
                self.supervisor.check()
                if time.monotonic() > deadline:
                    raise NotSeen(f"{what} did not end within {LONGEST_S} s")
                time.sleep(0.05)

        with _spinner(what):
            yield until


def _conclude(
    result: dict[str, Any], *, cold: tuple[str, float], warm_s: float
) -> None:
    table = Table(title=f"{result['model']}: seconds to the first token")
    table.add_column("")
    table.add_column("seconds", justify="right")
    table.add_row(cold[0], f"{cold[1]:.2f}")
    if cold[1] != result["total_s"]:
        table.add_row("warm-up, nobody waits for it", f"{result['total_s']:.2f}")
    table.add_row("first answer, after the warm-up", f"{warm_s:.2f}")
    ratio = cold[1] / warm_s
    table.add_row("times faster", f"{ratio:.0f}", style="bold")
    console.print(table)
    if ratio < FASTER:
        raise NotSeen(
            f"the first answer was only {ratio:.1f} times faster after the warm-up; "
            f"the demo wants to see at least {FASTER:.0f} times"
        )


@contextmanager
def _spinner(what: str) -> Iterator[Callable[[str], None]]:
    """A spinner with the seconds so far; yields what changes its text."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=1)
        yield lambda text: progress.update(task, description=text)
        progress.update(task, description=what, completed=1)
