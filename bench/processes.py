"""What the benchmarks run beside what they measure."""

import os

from worker.cli import system
from worker.cli.supervisor import Supervisor, free_port, listens

START_S = 30


def start_valkey(supervisor: Supervisor, *, ollama: str) -> None:
    """Start a Valkey; this process and its children are told of it, and of the host.

    Call it before anything reads the settings.

    Args:
        supervisor: ends it.
        ollama: URL of the host `default`. It is named, so that a publisher knows
            its lane.
    """
    port = free_port()
    supervisor.start(
        "valkey",
        system.valkey(port, folder=supervisor.folder),
        ready=lambda: listens(port),
    )
    os.environ.pop("OLLAMA_HOST", None)
    os.environ |= {
        "OLLAMA_WARMUP_BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "OLLAMA_WARMUP_HOSTS": f"default={ollama}",
        "OLLAMA_WARMUP_MODELS": "",
        "OLLAMA_WARMUP_NAMESPACE": "bench",
    }


def wait_ready(supervisor: Supervisor) -> None:
    """Wait until everything that was started serves."""
    supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
