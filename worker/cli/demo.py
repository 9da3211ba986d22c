"""`ollama-warmup demo`: measures the first answer cold, warms, measures again."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ollama_warmup import request, settings
from ollama_warmup.errors import WarmupError
from ollama_warmup.target import Target, resolve
from worker import warming
from worker.adapters.ollama import Ollama
from worker.cli.supervisor import Supervisor, free_port, listens
from worker.cli.system import System

SIMULATED_MODEL = "llama3:8b"
START_S = 30
LONGEST_S = 600
"""What the demo waits for at the most, seconds."""
FASTER = 2.0
"""The first answer must be this many times faster after the warm-up."""

console = Console(highlight=False)


class NotSeen(WarmupError):
    """The demo did not see what it claims."""


def demo(
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            envvar="MODEL",
            help="Show it on the real Ollama at OLLAMA_HOST with this model of it, "
            "such as llama3:8b, instead of on a simulated one.",
        ),
    ] = None,
) -> None:
    """Show in a minute what a warm-up is worth, on a simulated or a real Ollama.

    Starts an embedded Valkey, a Celery worker and Flower, and, without --model, a
    simulated Ollama. Measures the seconds to a cold model's first token, warms it
    by `warmup.delay(MODEL)`, measures again, and ends everything it started.

    On a real Ollama it unloads nothing: a model that is loaded already ends it with
    exit code 2, and the warm-up's own seconds are the cold figure.

    Exit codes: 0 seen what it claims · 1 not seen, or something failed · 2 the model
    is loaded already.
    """
    asked = model or SIMULATED_MODEL
    target = resolve(request.parse(asked), hosts=["default"]).target
    with Supervisor() as supervisor:
        url = settings.read().ollama_host if model else _simulate(supervisor)
        ollama = Ollama("default", url)
        if model:
            _check_cold(ollama, target)
        system = System(
            ollama=url,
            namespace="ollama-warmup-demo",
            valkey_port=free_port(),
            flower_port=free_port(),
        )
        os.environ.update(system.environment)  # this process publishes, too
        system.start(supervisor)
        with _spinner("Starting the processes") as say:
            supervisor.wait_ready(
                timeout_s=START_S,
                progress=lambda left: say(f"Starting {', '.join(left)}"),
            )
        console.print(f"Ollama   {url} ({'real' if model else 'simulated'})")
        console.print(f"Flower   {system.flower_url}")
        stage = Stage(supervisor=supervisor, ollama=ollama, target=target, asked=asked)
        if model:
            stage.show_on_real()
        else:
            stage.show_on_simulated()
    console.print("Everything that the demo started has ended.")


def _simulate(supervisor: Supervisor) -> str:
    port = free_port()
    argv = [sys.executable, "-m", "worker.cli", "simulate"]
    argv += ["--preset", "demo", "--port", str(port)]
    supervisor.start("ollama", argv, ready=lambda: listens(port))
    return f"http://127.0.0.1:{port}"


def _check_cold(ollama: Ollama, target: Target) -> None:
    resident = warming.find_resident(target, ollama=ollama)
    if resident is not None:
        typer.echo(
            f"{target.model} is loaded already, so there is no cold start to show.\n"
            "If nobody uses it, type this and run the demo again:\n\n"
            f"    ollama stop {resident.name}\n",
            err=True,
        )
        raise typer.Exit(2)


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
        result = self.warm()
        loads = self.loads()
        warm_s = self.first_token_s("Asking the warm model")
        if self.loads() != loads:
            raise NotSeen(f"{self.target.model} was loaded again for its first answer")
        _conclude(result, cold=("first answer, cold", cold_s), warm_s=warm_s)

    def show_on_real(self) -> None:
        """Warm-up and warm answer; the warm-up's own seconds are the cold ones."""
        result = self.warm()
        warm_s = self.first_token_s("Asking the warm model")
        cold = ("warm-up, as long as a cold first answer", float(result["total_s"]))
        _conclude(result, cold=cold, warm_s=warm_s)

    def warm(self) -> dict[str, Any]:
        """Send the task as an application does, and wait for its result."""
        from tasks import warmup  # noqa: PLC0415 - needs the demo's environment

        with self.waiting(f'warmup.delay("{self.asked}")') as until:
            pending = warmup.delay(self.asked)
            until(pending.ready)
        result: dict[str, Any] = pending.get(timeout=10)
        if result["outcome"] != "loaded":
            raise NotSeen(
                f"{self.target.model} was to be loaded by the warm-up, but it "
                f"answered {result['outcome']!r}: somebody else loaded it"
            )
        return result

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
