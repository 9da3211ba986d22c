"""Seconds to the first token of a model: cold, loaded only, warmed, and steady.

Unloads the model of a real Ollama again and again. Run as
`python -m bench.first_token --base URL --model M --yes` from the root of the
repository. Every answer is one token for a raw prompt as long as the one that warms,
and never the prompt that was sent before: Ollama keeps the last prompt's state.
"""

import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from bench import processes, report
from ollama_warmup import request
from ollama_warmup.errors import WarmupError
from ollama_warmup.target import Target, resolve
from worker import runtime, warming
from worker.adapters.ollama import Ollama
from worker.call import Call
from worker.cli.supervisor import Supervisor
from worker.core.domain import How, Outcome

PATIENCE_S = 1_800.0
SETTLE_S = 1.0
"""After an unload, for the memory to come free."""
FIRST, OTHERS = "hi", ("no", "we", "so")
"""As long as the warm-up's own prompt, and different from it."""

Seconds = dict[str, list[float]]
"""Of each row of the table, one value a run."""

console = Console(highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One model on one real Ollama."""

    target: Target
    ollama: Ollama

    def run(self, seconds: Seconds) -> None:
        """One run: all four, so that a slow minute slows all of them."""
        self.unload()
        seconds["cold"].append(self.first_token_s(FIRST))
        self.unload()
        seconds["load only (seconds of the load)"].append(self.load_only_s())
        seconds["after a load only"].append(self.first_token_s(FIRST))
        self.unload()
        seconds["warm-up (nobody waits)"].append(self.warm_up_s())
        seconds["after a warm-up"].append(self.first_token_s(FIRST))
        *settling, last = OTHERS
        for prompt in settling:
            self.first_token_s(prompt)
        seconds["steady"].append(self.first_token_s(last))

    def first_token_s(self, prompt: str) -> float:
        """Seconds until one token has come for a prompt."""

        def ask() -> None:
            self.ollama.infer(
                self.target.model,
                options=self.target.options,
                keep_alive_s=None,
                embed=False,
                prompt=prompt,
            )

        return _took_s(ask)

    def load_only_s(self) -> float:
        """Seconds of the request that usual scripts warm with: an empty prompt."""
        body = {
            "model": self.target.model,
            "options": self.target.options.given(),
            "stream": False,
        }

        def load() -> None:
            url = f"{self.ollama.url}/api/generate"
            answer = httpx.post(url, json=body, timeout=PATIENCE_S, trust_env=False)
            answer.raise_for_status()

        return _took_s(load)

    def warm_up_s(self) -> float:
        """Seconds of a warm-up by the code that the task `ollama.warmup` runs."""
        call = Call(
            target=self.target,
            task_id=str(uuid.uuid4()),
            process="bench",
            patience_s=PATIENCE_S,
        )

        def warm() -> None:
            answer = runtime.make_warm(call, say=lambda _elapsed, _expected: None)
            if not isinstance(answer, Outcome) or answer.how is not How.LOADED:
                raise WarmupError(f"the warm-up was to load, but answered {answer}")

        return _took_s(warm)

    def unload(self) -> None:
        """Have the model gone, and its memory free."""
        self.ollama.unload(self.target.model)
        while warming.find_resident(self.target, ollama=self.ollama):
            time.sleep(0.1)
        time.sleep(SETTLE_S)


def _took_s(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


ROWS = (
    "cold",
    "load only (seconds of the load)",
    "after a load only",
    "warm-up (nobody waits)",
    "after a warm-up",
    "steady",
)


def _table(model: str, seconds: Seconds) -> Table:
    table = Table(title=f"{model}: seconds to the first token")
    for heading in ("", "median", "min", "max", "÷ steady"):
        table.add_column(heading, justify="right" if heading else "left")
    steady_s = statistics.median(seconds["steady"])
    for row, values in seconds.items():
        median_s = statistics.median(values)
        figures = (median_s, min(values), max(values))
        ratio = f"{median_s / steady_s:.2f}"
        table.add_row(row, *(f"{figure:.3f}" for figure in figures), ratio)
    return table


def main(
    *,
    base: Annotated[str, typer.Option(metavar="URL", help="A real Ollama.")],
    model: Annotated[str, typer.Option(help="MODEL[?OPTION=VALUE&…] of it.")],
    runs: Annotated[int, typer.Option(min=1)] = 7,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, unload it.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure the first token of one model, cold, loaded only, warmed and steady."""
    target = resolve(request.parse(model), hosts=["default"]).target
    if not yes:
        typer.echo(
            f"This unloads {target.model} on {base} {3 * runs} times, under whoever "
            "uses it there. If nobody does, say --yes.",
            err=True,
        )
        raise typer.Exit(2)
    seconds: Seconds = {row: [] for row in ROWS}
    facts = report.about(ollama=report.ollama_version(base))
    with Supervisor() as supervisor:
        processes.start_valkey(supervisor, ollama=base)
        processes.wait_ready(supervisor)
        bench = Bench(target=target, ollama=Ollama("default", base))
        for number in range(runs):
            print(f"run {number + 1} of {runs}", file=sys.stderr)  # noqa: T201
            bench.run(seconds)
        runtime.close()
    if as_json:
        typer.echo(json.dumps({"about": facts, "model": model, "seconds": seconds}))
        return
    console.print(_table(model, seconds))
    console.print(*(f"{name} {value}" for name, value in facts.items()), sep=" · ")


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    cli.command()(main)
    cli()
