"""What a system costs while nothing happens: memory, CPU, requests.

Run as `python -m bench.idle` from the root of the repository: a whole system as it
is shipped beside a simulated server with one warm model. Memory is PSS, which counts
what processes share once, and which Linux alone tells.
"""

import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Annotated, Any

import psutil
import typer

from bench import report, this_process
from bench.digest import Bound, Digest, Grid, Raw, Section, spread
from tests.support.ollama import SimulatedOllama
from tests.support.processes import RestartingSupervisor
from tests.support.system import running_system
from tests.support.waiting import until

MODEL = "warm"
APART = ("pull", "valkey", "ollama")
"""Not counted to the bound, which is of a worker, control and beat."""
SETTLE_S = 20.0
EVERY_S = 10.0
BOUND_MB, BOUND_PERCENT = 250.0, 2.0
TOGETHER = "together, but for " + ", ".join(APART[:2])

Sample = dict[str, dict[str, float]]
"""By process, with its children: pss_bytes, and cpu_s since it was started."""


def _sample(supervisor: RestartingSupervisor) -> Sample:
    return {n: _used(psutil.Process(pid)) for n, pid in supervisor.pids().items()}


def _used(root: psutil.Process) -> dict[str, float]:
    """By a process and all that descend from it; raises what psutil raises."""
    family = [root, *root.children(recursive=True)]
    times = [process.cpu_times() for process in family]
    return {
        "pss_bytes": sum(process.memory_full_info().pss for process in family),
        "cpu_s": round(sum(each.user + each.system for each in times), 2),
    }


def _watch(
    supervisor: RestartingSupervisor, host: SimulatedOllama, samples: int
) -> dict[str, Any]:
    """Sample at even times; count the requests from the first to the last."""
    before, taken = host.stats()["requests"], []
    for number in range(samples + 1):
        if number:
            time.sleep(EVERY_S)
        report.progress(f"sample {number} of {samples}")
        taken.append(_sample(supervisor))
    after = host.stats()["requests"]
    counted = {path: after[path] - before.get(path, 0) for path in after}
    return {"every_s": EVERY_S, "samples": taken, "requests": counted}


def _megabytes(samples: Sequence[Sample], names: Sequence[str]) -> list[float]:
    return [sum(s[name]["pss_bytes"] for name in names) / 1e6 for s in samples]


def _percents(samples: Sequence[Sample], names: Sequence[str]) -> list[float]:
    """Of a core, from one sample to the next."""
    used_s = [sum(sample[name]["cpu_s"] for name in names) for sample in samples]
    pairs = itertools.pairwise(used_s)
    return [100 * (after - before) / EVERY_S for before, after in pairs]


def _digest(raw: Raw) -> Digest:
    samples = raw["samples"]
    counted = [name for name in samples[0] if name not in APART]
    groups = {name: [name] for name in counted} | {TOGETHER: counted}
    groups |= {
        name: [name] for name in APART if name in samples[0] and name != "ollama"
    }
    rows = []
    for name, names in groups.items():
        memory, cpu = _megabytes(samples, names), _percents(samples, names)
        # CPU as the mean: a pass falls into some of the spans, and not into others.
        mean = f"{statistics.fmean(cpu):.2f} ({min(cpu):.2f}-{max(cpu):.2f})"
        rows.append((name, spread(memory, ".0f"), mean))
    minutes = (len(samples) - 1) * raw["every_s"] / 60
    asked = {path: f"{n / minutes:.1f}" for path, n in raw["requests"].items() if n}
    told = ", ".join(f"`{path}` {rate}" for path, rate in asked.items())
    heads = ("process, with its children", "PSS MB", "% of a core, mean (min-max)")
    memory, cpu = _megabytes(samples, counted), _percents(samples, counted)
    return Digest(
        grids=[Grid(title=f"requests a minute: {told}", headings=heads, rows=rows)],
        bounds=[
            Bound(
                what="memory together",
                measured=statistics.median(memory),
                at_most=BOUND_MB,
                unit=" MB",
            ),
            Bound(
                what="CPU together",
                measured=statistics.fmean(cpu),
                at_most=BOUND_PERCENT,
                unit=" % of a core",
            ),
        ],
    )


SECTION = Section(
    name="idle",
    title="Idle: what it costs while nothing happens",
    how="""
    A whole system with the shipped tick of 10 s beside a simulated server with one
    warm model, 20 s after all is ready, all modules compiled to bytecode before, as
    in the image and after a first start. PSS and CPU time every 10 s, of
    each process with its children; the bound is of `worker` (2 slots), `control`
    and `beat`. `web` and Flower are not started. What a system needs at work is not
    shown.""",
    digest=_digest,
)


def main(
    *,
    samples: Annotated[int, typer.Option(min=1, help="One each 10 s.")] = 9,
    as_json: report.AsJson = False,
) -> None:
    """Measure memory, CPU and requests of an idle system."""
    about = report.about()
    this_process.compile_all()
    with running_system("bench") as system:
        (host,) = system.simulate("default", models=[f"{MODEL}?load=100ms"])
        system.configure(ollama=host.url, keeps=(MODEL,))
        system.start_shipped()
        system.wait_ready()
        until(lambda: host.loaded() == {MODEL}, "the model is warm")
        time.sleep(SETTLE_S)
        raw = {"about": about, **_watch(system.supervisor, host, samples)}
    report.tell(raw, SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
