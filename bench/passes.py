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
from rich.console import Console
from rich.table import Table

from bench import processes, report
from ollama_warmup.errors import WarmupError
from ollama_warmup.report import Condition
from worker.cli.supervisor import Supervisor, free_port, listens

MODELS = ("one", "two", "three")
SIZES = (10, 30, 100, 300, 1_000)
LOAD_AT_ONCE = 50

console = Console(highlight=False)


def measure(passes: int) -> dict[str, Any]:
    """Run passes in this process, with the environment's hosts."""
    # Imported here: what it holds in memory is what is measured.
    from worker import runtime  # noqa: PLC0415 - see above

    walls_s, cpus_s = [], []
    for _ in range(passes + 1):
        began, cpu = time.perf_counter(), time.process_time()
        glances = runtime.reconcile(None, send=lambda *_: None)
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


def _start_hosts(supervisor: Supervisor, number: int) -> list[str]:
    control = free_port()
    first = _free_range(number)
    argv = [sys.executable, "-m", "worker.cli", "simulate", "--hosts", str(number)]
    argv += ["--port", str(first), "--control-port", str(control)]
    for model in MODELS:
        argv += ["--model", f"{model}?load=10ms&token=1ms"]
    supervisor.start("ollama", argv, ready=lambda: listens(control))
    return [f"http://127.0.0.1:{first + number_}" for number_ in range(number)]


def _free_range(number: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(20_000, 60_000 - number, number):
        if not any(listens(port) for port in range(first, first + number, 97)):
            return first
    raise WarmupError(f"no {number} free ports in a row")


def _in_fresh_process(urls: list[str], passes: int) -> dict[str, Any]:
    named = ",".join(f"h{index}={url}" for index, url in enumerate(urls))
    told = {
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


def _table(rows: dict[int, dict[str, Any]]) -> Table:
    table = Table(title="One pass, all targets warm")
    for heading in ("hosts", "targets", "first s", "median s", "min", "max"):
        table.add_column(heading, justify="right")
    for heading in ("ms a host", "CPU s", "peak MB"):
        table.add_column(heading, justify="right")
    for number, row in rows.items():
        wall_s = statistics.median(row["walls_s"])
        cells = (
            str(number),
            str(number * len(MODELS)),
            f"{row['first_s']:.2f}",
            f"{wall_s:.3f}",
            f"{min(row['walls_s']):.3f}",
            f"{max(row['walls_s']):.3f}",
            f"{1000 * wall_s / number:.2f}",
            f"{statistics.median(row['cpus_s']):.2f}",
            f"{row['peak_bytes'] / 1e6:.0f}",
        )
        table.add_row(*cells)
    return table


def main(
    *,
    passes: Annotated[int, typer.Option(min=1, help="After the first one.")] = 7,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    only_measure: Annotated[int | None, typer.Option("--measure", hidden=True)] = None,
) -> None:
    """Measure a pass over 10 to 1,000 simulated hosts."""
    if only_measure is not None:
        typer.echo(json.dumps(measure(only_measure)))
        return
    rows: dict[int, dict[str, Any]] = {}
    with Supervisor() as supervisor:
        processes.start_valkey(supervisor, ollama="http://127.0.0.1:1")
        urls = _start_hosts(supervisor, max(SIZES))
        processes.wait_ready(supervisor)
        print("loading the models", file=sys.stderr)  # noqa: T201
        asyncio.run(_load_all(urls))
        for number in SIZES:
            print(f"{number} hosts", file=sys.stderr)  # noqa: T201
            rows[number] = _in_fresh_process(urls[:number], passes)
    facts = report.about()
    if as_json:
        typer.echo(json.dumps({"about": facts, "hosts": rows}))
        return
    console.print(_table(rows))
    console.print(*(f"{name} {value}" for name, value in facts.items()), sep=" · ")


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    cli.command()(main)
    cli()
