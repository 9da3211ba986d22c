"""A thousand callers want one model at once: one load, and what each was told.

Run as `python -m bench.concurrent` from the root of the repository: a whole system
with a second `worker`, a simulated server, and callers as the threads of several
processes, each of which sends `warmup.delay()` and waits for its own result.
"""

import time
from datetime import datetime
from typing import Annotated, Any

import typer

from bench import report, this_process
from bench.digest import Bound, Digest, Grid, Raw, Section, percentile, spread
from bench.this_process import PATIENCE_S
from tests.support.crowd import outcomes, warm_from_all
from tests.support.system import RunningSystem, running_system

MODEL = "wanted"
APPLICATIONS = 4
"""Processes that the callers are spread over."""
IMPORT_S = 5.0
"""Until every process of callers has imported what it needs."""
SLACK_S = 0.05
"""Between the simulator's clock, in whole milliseconds, and ours."""
TRUE = ("loaded", "joined", "already_warm")


def _call_all(system: RunningSystem, callers: int) -> list[dict[str, Any]]:
    """Let all callers send in the same instant; returns what each was told."""
    for _ in range(APPLICATIONS):
        system.start_application()
    options: Any = {"task": "ollama_warmup.warmup", "wait_s": PATIENCE_S}
    options |= {"begins_at": time.time() + IMPORT_S}
    told = warm_from_all(system, MODEL, times=callers, **options)
    for answer in told:
        if "error" in answer:
            report.progress(f"a caller: {answer['error']}: {answer['text']}")
    return told


def _raw(told: list[dict[str, Any]], loaded_at: float) -> dict[str, Any]:
    true = [t for t in told if "result" in t and t["result"]["outcome"] in TRUE]
    return {
        "outcomes": outcomes(told),
        "sent_ms": [round(t.get("sent_s", 0.0) * 1000, 1) for t in told],
        "after_load_s": [round(t["at"] - loaded_at, 3) for t in true],
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
    with running_system("bench") as system:
        (host,) = system.simulate("default", models=[f"{MODEL}?load={load_s:g}s"])
        this_process.join(system)
        system.start_shipped()
        system.start_twin("worker-2")
        system.wait_ready()
        report.progress(f"{callers} callers")
        told = _call_all(system, callers)
        loads, stays = host.loads(), host.history()
    loaded_at = datetime.fromisoformat(stays[0]["loaded_at"]).timestamp()
    raw = {"about": about, "loads": loads, "load_s": load_s, **_raw(told, loaded_at)}
    report.tell(raw, SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
