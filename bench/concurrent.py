"""A thousand callers want one model at once: one load, and what each was told.

Run as `python -m bench.concurrent` from the root of the repository: a whole system
with a second `worker`, a simulated server, and callers as the threads of several
processes, each of which sends `warmup.delay()` and waits for its own result.
"""

import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from typing import Annotated, Any

import typer

from bench import processes, report
from bench.digest import Bound, Digest, Grid, Raw, Section, percentile, spread
from ollama_warmup import publish
from worker.cli.supervisor import Supervisor, free_port
from worker.cli.system import System

MODEL = "wanted"
APPLICATIONS = 4
"""Processes that the callers are spread over."""
IMPORT_S = 5.0
"""Until every process of callers has imported what it needs."""
SLACK_S = 0.05
"""Between the simulator's clock, in whole milliseconds, and ours."""
TRUE = ("loaded", "joined", "already_warm")

Told = dict[str, Any]
"""Of one caller: sent_s, known_at (Unix seconds), outcome."""


def _call(begins_at: float, number: int) -> Told:
    """One caller: seconds of its `delay`, and what it was told when."""
    time.sleep(max(0.0, begins_at - time.time()))
    began = time.time()
    sent_at = began
    try:
        pending = publish.warmup.delay(MODEL)
        sent_at = time.time()
        outcome = pending.get(timeout=processes.PATIENCE_S)["outcome"]
    except Exception as exc:  # noqa: BLE001 - whatever a caller is told
        outcome = type(exc).__name__
        report.progress(f"caller {number}: {exc!r}")
    return {"sent_s": sent_at - began, "known_at": time.time(), "outcome": outcome}


def _application(callers: int, begins_at: float) -> list[Told]:
    """One process of an application, a thread for each caller."""
    with ThreadPoolExecutor(callers) as threads:
        return list(threads.map(partial(_call, begins_at), range(callers)))


def _start_second_worker(supervisor: Supervisor) -> None:
    first = supervisor.processes["worker"]
    argv = [word.replace("worker@", "second@") for word in first.argv]
    supervisor.start(
        "second", argv, env=first.env, ready=lambda: supervisor.said("second", "ready.")
    )
    processes.wait_ready(supervisor)


def _call_all(callers: int) -> list[Told]:
    share = callers // APPLICATIONS
    begins_at = time.time() + IMPORT_S
    with ProcessPoolExecutor(APPLICATIONS, mp_context=get_context("spawn")) as pool:
        ended = pool.map(partial(_application, share), [begins_at] * APPLICATIONS)
        return [told for application in ended for told in application]


def _raw(told: list[Told], loaded_at: float) -> Told:
    after_s = [t["known_at"] - loaded_at for t in told if t["outcome"] in TRUE]
    return {
        "outcomes": Counter(t["outcome"] for t in told),
        "sent_ms": [round(t["sent_s"] * 1000, 1) for t in told],
        "after_load_s": [round(value, 3) for value in after_s],
    }


def _digest(raw: Raw) -> Digest:
    sent, after, outcomes = raw["sent_ms"], raw["after_load_s"], raw["outcomes"]
    rows = [
        (
            name,
            spread(values, ".2f"),
            f"{percentile(values, 0.99):.2f}",
        )
        for name, values in (
            ("`delay()` of one caller", [ms / 1000 for ms in sent]),
            ("from the end of the load until a caller knows", after),
        )
    ]
    title = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    truths = sum(value >= -SLACK_S for value in after)
    everybody = len(sent)
    return Digest(
        grids=[
            Grid(
                title=f"{len(sent):,} callers, told {title}; seconds",
                headings=("", "median (min-max)", "p99"),
                rows=rows,
            )
        ],
        bounds=[
            Bound(what="loads", measured=raw["loads"], at_least=1, at_most=1),
            Bound(
                what="told the truth",
                measured=truths,
                at_least=everybody,
                at_most=everybody,
            ),
        ],
    )


SECTION = Section(
    name="concurrent",
    title="A thousand callers at once",
    how=f"""
    {APPLICATIONS} processes of an application on the same machine, 250 threads
    each, which all send `warmup.delay()` of one cold model in the same instant and
    wait for their own result; two `worker` processes of 2 slots; a simulated server
    that counts loads and takes 10 s for one. True is an answer that says warm and
    comes after the load ended; a caller that gets an error counts as not told.
    Callers and system share the cores, so that seconds here are those of the whole
    crowd, not of one caller.""",
    digest=_digest,
)


def main(
    *,
    callers: Annotated[int, typer.Option(min=APPLICATIONS)] = 1_000,
    load_s: Annotated[float, typer.Option(min=1, help="Seconds of the load.")] = 10,
    as_json: report.AsJson = False,
) -> None:
    """Measure what a crowd of callers of one cold model is told, and when."""
    about = report.about()
    with Supervisor(grace_s=2) as supervisor:
        (host,) = processes.simulate(supervisor, f"{MODEL}?load={load_s:g}s")
        processes.know_one_host(host.url)
        system = System(namespace="bench", valkey_port=free_port())
        os.environ |= system.environment
        processes.start_system(supervisor, system)
        _start_second_worker(supervisor)
        report.progress(f"{callers} callers")
        told = _call_all(callers)
        loads, stays = host.loads(), host.history()
    loaded_at = datetime.fromisoformat(stays[0]["loaded_at"]).timestamp()
    raw = {"about": about, "loads": loads, "load_s": load_s, **_raw(told, loaded_at)}
    report.tell(raw, SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
