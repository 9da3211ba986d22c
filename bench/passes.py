"""Seconds and memory of one pass, over 10 to 1,000 hosts with 3 targets each.

Run as `python -m bench.passes` from the root of the repository. The hosts are simulated
in a process of their own; all targets are warm, so that a pass has nothing to send.
Each number of hosts is measured in a fresh process, in its first pass (which also
asks each host what its models are) and in the following ones.
"""

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Annotated, Any

import httpx
import typer

from bench import report
from bench.digest import Bound, Digest, Grid, Raw, Section, spread
from ollama_warmup.errors import WarmupError
from ollama_warmup.report import Condition

MODELS = ("one", "two", "three")
SIZES = (10, 30, 100, 300, 1_000)
LOAD_AT_ONCE = 50
BOUND_S, BOUND_MB = 2.0, 150.0
"""Of a following pass over as many hosts as the most of SIZES."""
GROWTH = 1.5
"""Linear: a host of the most may cost so many times one of a hundred."""


def measure(passes: int) -> dict[str, Any]:
    """Run passes in this process, with the environment's hosts."""
    # Imported here: what it holds in memory is what is measured.
    from worker import reconcile, runtime  # noqa: PLC0415 - see above

    walls_s, cpus_s = [], []
    for _ in range(passes + 1):
        began, cpu = time.perf_counter(), time.process_time()
        glances = reconcile.run(runtime.deps(), send=lambda *_: None)
        walls_s.append(time.perf_counter() - began)
        cpus_s.append(time.process_time() - cpu)
        verdicts = [v for glance in glances for v in glance.plan.verdicts]
        odd = [v for v in verdicts if v.condition is not Condition.WARM]
        if odd or not verdicts:
            raise WarmupError(
                f"not all is warm: {len(odd)} of {len(verdicts)}, {odd[:1]}"
            )
    runtime.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "first_s": walls_s[0],
        "walls_s": walls_s[1:],
        "cpus_s": cpus_s[1:],
        "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024),
    }


async def _load_all(urls: list[str]) -> None:
    gate = asyncio.Semaphore(LOAD_AT_ONCE)
    limits = httpx.Limits(max_keepalive_connections=0)

    async def load(client: httpx.AsyncClient, url: str, model: str) -> None:
        async with gate:
            body = {"model": model, "keep_alive": "24h"}
            answer = await client.post(f"{url}/api/generate", json=body, timeout=120)
            answer.raise_for_status()

    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
        await asyncio.gather(*(load(client, u, m) for u in urls for m in MODELS))


def _in_fresh_process(
    urls: list[str], passes: int, environment: dict[str, str]
) -> dict[str, Any]:
    named = ",".join(f"h{index}={url}" for index, url in enumerate(urls))
    told = environment | {
        "OLLAMA_WARMUP_HOSTS": named,
        "OLLAMA_WARMUP_MODELS": ",".join(MODELS),
        "OLLAMA_WARMUP_ENABLED": "true",
        "OLLAMA_WARMUP_NAMESPACE": f"bench-{len(urls)}",
    }
    argv = [sys.executable, "-m", "bench.passes", "--measure", str(passes)]
    ended = subprocess.run(  # noqa: S603 - ourselves
        argv, env=os.environ | told, stdout=subprocess.PIPE, check=True
    )
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def _digest(raw: Raw) -> Digest:
    rows = {int(number): row for number, row in raw["hosts"].items()}
    ms = {n: 1000 * statistics.median(row["walls_s"]) / n for n, row in rows.items()}
    grid = Grid(
        title="one pass, all targets warm; seconds",
        headings=("hosts", "first pass", "following", "ms a host", "CPU s", "peak MB"),
        rows=[
            (
                f"{number:,}",
                f"{row['first_s']:.2f}",
                spread(row["walls_s"]),
                f"{ms[number]:.2f}",
                f"{statistics.median(row['cpus_s']):.2f}",
                f"{row['peak_bytes'] / 1e6:.0f}",
            )
            for number, row in rows.items()
        ],
    )
    most = max(rows)
    wall_s = max(rows[most]["walls_s"])
    megabytes = rows[most]["peak_bytes"] / 1e6
    growth = ms[most] / ms[100]
    hosts = f"{most:,} hosts"
    return Digest(
        grids=[grid],
        bounds=[
            Bound(
                what=f"the slowest pass, {hosts}",
                measured=wall_s,
                at_most=BOUND_S,
                unit=" s",
            ),
            Bound(
                what=f"memory, {hosts}",
                measured=megabytes,
                at_most=BOUND_MB,
                unit=" MB",
            ),
            Bound(
                what=f"linear: a host of {most:,} ÷ one of 100",
                measured=growth,
                at_most=GROWTH,
            ),
        ],
    )


SECTION = Section(
    name="passes",
    title="Passes: many hosts, nothing to do",
    how="""
    Simulated hosts in a process of their own, three warm targets each; a fresh
    process for each number of hosts. The first pass also asks each host what its
    models are, four more requests a host; the bound is of those
    that follow. Hosts
    on a network, and hosts that do not answer, are not shown.""",
    digest=_digest,
)


def main(
    *,
    passes: Annotated[int, typer.Option(min=1, help="After the first one.")] = 7,
    as_json: report.AsJson = False,
    only_measure: Annotated[int | None, typer.Option("--measure", hidden=True)] = None,
) -> None:
    """Measure a pass over 10 to 1,000 simulated hosts."""
    if only_measure is not None:
        typer.echo(json.dumps(measure(only_measure)))
        return
    # Imported here: the process that measures must not hold them in memory.
    from bench import this_process  # noqa: PLC0415 - see above
    from tests.support.system import running_system  # noqa: PLC0415 - see above

    about = report.about()
    this_process.compile_all()
    rows: dict[int, dict[str, Any]] = {}
    with running_system("bench") as system:
        models = [f"{model}?load=10ms&token=1ms" for model in MODELS]
        names = [f"h{number}" for number in range(max(SIZES))]
        hosts = system.simulate(*names, models=models)
        system.start_broker()
        system.wait_ready()
        report.progress("loading the models")
        urls = [host.url for host in hosts]
        asyncio.run(_load_all(urls))
        for number in SIZES:
            report.progress(f"{number} hosts")
            rows[number] = _in_fresh_process(urls[:number], passes, system.environment)
    report.tell({"about": about, "hosts": rows}, SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
