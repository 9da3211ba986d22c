"""Seconds to the first token of a model: cold, loaded only, warmed, and steady.

Unloads the model of a real Ollama again and again. Run as
`python -m bench.first_token --base URL --model M --yes` from the root of the
repository. Every answer is one token for a raw prompt of so many words, by default as
long as the one that warms, and never begun like the prompt that was sent before:
Ollama keeps the last prompt's state.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import httpx
import typer

from bench import first_token_told, prompts, report, this_process
from bench.first_token_told import HELD_ROWS, ROWS
from ollama_warmup import request
from ollama_warmup.errors import WarmupError
from ollama_warmup.target import Target, resolve
from tests.support.ollama import SimulatedOllama
from tests.support.system import running_system
from worker import reconcile, runtime, touching, warming
from worker.adapters.ollama import Ollama
from worker.core.calls import Call
from worker.core.domain import How, Outcome
from worker.core.passes import Action, Touch

PATIENCE_S = 1_800.0
SETTLE_S = 1.0
"""After an unload, for the memory to come free."""
TICK_S = 1.0
"""Between two passes of a run that holds."""
SETTLING = 2
"""Answers before the one that is steady."""
SHORTEST_S = 3
"""Below three ticks a keep-alive cannot be held, seconds."""
Seconds = dict[str, list[float]]
"""Of each row of the table, one value a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One model on one real Ollama."""

    target: Target
    ollama: Ollama
    prompts: Iterator[str]

    def run(self, seconds: Seconds) -> None:
        """One run: all four, so that a slow minute slows all of them."""
        self.unload()
        seconds["cold"].append(self.first_token_s())
        self.unload()
        seconds["load only (seconds of the load)"].append(self.load_only_s())
        seconds["after a load only"].append(self.first_token_s())
        self.unload()
        seconds["warm-up (nobody waits)"].append(self.warm_up_s())
        seconds["after a warm-up"].append(self.first_token_s())
        self.settle()
        seconds["steady"].append(self.first_token_s())

    def hold(self, windows: int) -> int:
        """Let passes hold the model idle for so many keep-alive windows.

        Returns:
            The touches that it took.
        """
        keep_alive_s = self.target.keep_alive_s or 0
        ends_at = time.monotonic() + windows * keep_alive_s
        touches = 0
        while time.monotonic() < ends_at:
            for action in _decided():
                if not isinstance(action, Touch):
                    raise WarmupError(f"nothing but touches was to be sent: {action}")
                self._touch(action)
                touches += 1
            time.sleep(TICK_S)
        return touches

    def _touch(self, action: Touch) -> None:
        call = touching.Call(
            target=action.target,
            digest=action.digest,
            num_ctx=action.num_ctx,
            task_id=str(uuid.uuid4()),
            process="bench",
        )
        ended = touching.touch(call, runtime.deps())
        if ended is not touching.Touched.TOUCHED:
            raise WarmupError(f"a touch was to restart the timer, but was {ended}")

    def held_run(self, seconds: Seconds, windows: int) -> int:
        """One run of what windows without a user cost him; returns the touches.

        A machine answers slower after a pause, whatever was done meanwhile: as long
        a one in which nothing touches the model tells how much.
        """
        self.unload()
        self.warm_up_s()
        self.settle()
        held, unheld, steady = HELD_ROWS
        touches = self.hold(windows)
        seconds[held].append(self.first_token_s())
        self.settle()
        seconds[steady].append(self.first_token_s())
        pause_s = windows * (self.target.keep_alive_s or 0)
        self.first_token_s(keep_alive_s=pause_s + PATIENCE_S)
        time.sleep(pause_s)
        seconds[unheld].append(self.first_token_s())
        return touches

    def settle(self) -> None:
        """Into the steady state: an answer or two more than the first."""
        for _ in range(SETTLING):
            self.first_token_s()

    def first_token_s(self, *, keep_alive_s: float | None = None) -> float:
        """Seconds until one token has come for the next prompt."""
        prompt = next(self.prompts)

        def ask() -> None:
            self.ollama.infer(
                self.target.model,
                options=self.target.options,
                keep_alive_s=keep_alive_s,
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
            answer = warming.make_warm(
                call, runtime.deps(), on_progress=lambda _elapsed, _expected: None
            )
            if not isinstance(answer, Outcome) or answer.how is not How.LOADED:
                raise WarmupError(f"the warm-up was to load, but answered {answer}")

        return _took_s(warm)

    def unload(self) -> None:
        """Have the model gone, and its memory free."""
        self.ollama.unload(self.target.model)
        while warming.find_resident(self.target, self.ollama):
            time.sleep(0.1)
        time.sleep(SETTLE_S)


def _decided() -> list[Action]:
    """What one pass would send."""
    actions: list[Action] = []

    def send(action: Action, _void_s: float) -> None:
        actions.append(action)

    reconcile.run(runtime.deps(), send=send)
    return actions


def _took_s(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def main(  # noqa: PLR0913 - a command's options
    *,
    base: Annotated[str, typer.Option(metavar="URL", help="A real Ollama.")],
    model: Annotated[str, typer.Option(help="MODEL[?OPTION=VALUE&…] of it.")],
    runs: Annotated[int, typer.Option(min=1)] = 7,
    held: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="WINDOWS",
            help="Instead: hold it idle by touches for so many keep-alive windows; "
            "the model needs a keep_alive of some seconds.",
        ),
    ] = 0,
    words: Annotated[int, typer.Option(min=1, help="Of each prompt.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, unload it.")] = False,
    as_json: report.AsJson = False,
) -> None:
    """Measure the first token of one model, cold, loaded only, warmed and steady."""
    target = resolve(request.parse(model), hosts=["default"]).target
    if held and not (target.keep_alive_s or 0) >= SHORTEST_S:
        raise typer.BadParameter(
            f"--held needs a keep_alive of at least {SHORTEST_S} s, such as "
            f"{target.model}?keep_alive=10s"
        )
    times = runs if held else 3 * runs
    if not yes:
        raise typer.BadParameter(
            f"this unloads {target.model} on {base} {times} times, under whoever uses "
            "it there; if nobody does, say --yes"
        )
    seconds: Seconds = {row: [] for row in (HELD_ROWS if held else ROWS)}
    touches: list[int] = []
    about = report.about(ollama=report.ollama_version(base))
    with running_system("bench", keeps=(model,), tick_s=TICK_S) as system:
        system.hosts["default"] = SimulatedOllama(url=base)
        this_process.join(system)
        system.start_broker()
        system.wait_ready()
        ollama = Ollama("default", base)
        bench = Bench(target=target, ollama=ollama, prompts=prompts.of(words))
        for number in range(runs):
            report.progress(f"run {number + 1} of {runs}")
            if held:
                touches.append(bench.held_run(seconds, held))
            else:
                bench.run(seconds)
        runtime.close()
    raw = {"about": about, "model": model, "words": words, "seconds": seconds}
    raw |= {"held": held, "touches": touches} if held else {}
    report.tell(raw, first_token_told.SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
