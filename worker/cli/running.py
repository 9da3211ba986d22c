"""Runs a system until Ctrl-C: says what happens, starts again what died."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack

import httpx

from ollama_warmup import settings, warmlist
from ollama_warmup.durations import format_short
from ollama_warmup.errors import BadSettings, WarmupError
from ollama_warmup.settings import SECRET_PREFIX, WEB_TOKEN
from ollama_warmup.warmlist import Host
from worker.cli import lines
from worker.cli.place import Place
from worker.cli.process import Process
from worker.cli.restarts import Restarts
from worker.cli.supervisor import POLL_S, Supervisor, free_port
from worker.cli.system import WORKERS, System
from worker.cli.web import PORT

GRACE_S = 30.0
"""A worker's soft shutdown, 20 s, and ten to give its messages back."""
SLOW_S = 30.0
"""Who is not ready by then is told, seconds."""
FLOWER_PORT = 5555
"""Flower's own default."""
NONE = 0
"""A port that means that the process is not wanted."""
TAIL = 8
"""Lines that are shown of a process that died."""


class PortTaken(WarmupError):
    """Somebody listens on the port that was asked for."""


def run(*, web_port: int | None, flower_port: int | None) -> None:
    """Run the system of this environment in this terminal until a signal ends it.

    Args:
        web_port: of the status page; 0 = none; None = 11480 if it is free, else
            another one.
        flower_port: 0 = no Flower; None = 5555 if it is free, else another one.

    Raises:
        WarmupError: it cannot start: the environment, a port, a second one.
    """
    read = settings.read()
    place = Place(read.namespace)
    with ExitStack() as stack:
        lock = stack.enter_context(place.locked())
        has_broker = bool(os.environ.get("OLLAMA_WARMUP_BROKER_URL"))
        system = System(
            namespace=read.namespace,
            web_port=_port(web_port, usual=PORT, whose="web"),
            flower_port=_port(flower_port, usual=FLOWER_PORT, whose="flower"),
            valkey_port=0 if has_broker else free_port(),
            data=place.subfolder("valkey"),
            config=read.config,
        )
        joining = _ours(os.environ) | system.environment
        stack.enter_context(place.published(joining))
        supervisor = stack.enter_context(
            Supervisor(grace_s=GRACE_S, logs=place.subfolder("logs"), hold=(lock,))
        )
        upkeep = Upkeep(supervisor, system)
        try:
            upkeep.echoes.note(_greet(read, place))
            system.start(supervisor)
            upkeep.forever()
        except (KeyboardInterrupt, SystemExit):
            lines.over_ctrl_c()
            lines.say("up", "stopping; Ctrl-C once more ends everything at once")
            supervisor.end(progress=upkeep.pass_on)
    lines.say("up", "stopped, nothing is left running")


class Upkeep:
    """Keeps the processes of a system running, and says what happens to them."""

    def __init__(self, supervisor: Supervisor, system: System) -> None:
        """Take over processes that are about to be started.

        Args:
            supervisor: runs them.
            system: what they are.
        """
        self._supervisor = supervisor
        self._system = system
        self._restarts = Restarts()
        self._due_at_s: dict[str, float] = {}
        self._starting: set[str] = set()
        self.echoes = lines.Echoes()
        """What is said once, however many log it."""
        self._slow: set[str] = set()
        self._has_greeted = False

    def forever(self) -> None:
        """Go on until an exception, such as a signal's."""
        self._starting |= set(self._supervisor.processes)
        while True:
            self.step()
            time.sleep(POLL_S)

    def step(self) -> None:
        """One look at every process."""
        self.pass_on()
        self._tell_deaths()
        self._start_again()
        for process in self._supervisor.processes.values():
            if process.name in self._starting:
                self._tell_start(process)
        if not self._starting and not self._has_greeted:
            self._has_greeted = True
            lines.say("up", _how_to_use(self._system))

    def pass_on(self) -> None:
        """Say what the workers have told since the last time."""
        for name, process in self._supervisor.processes.items():
            new = process.new_lines()  # read of all of them, to keep the logs short
            for text, style in lines.events(new) if name in WORKERS else ():
                if not self.echoes.is_echo(name, text, now_s=time.monotonic()):
                    lines.say(name, text, style=style)

    def _tell_deaths(self) -> None:
        for death in self._supervisor.deaths():
            pause_s = self._restarts.pause_s(death.name, age_s=death.age_s)
            self._due_at_s[death.name] = time.monotonic() + pause_s
            self._starting.discard(death.name)
            last = "\n".join(death.tail.splitlines()[-TAIL:])
            told = f"died ({death.cause}), starts again in {pause_s:.0f} s; last lines:"
            lines.say(death.name, f"{told}\n{last}", style="red")

    def _start_again(self) -> None:
        now_s = time.monotonic()
        for name in [n for n, due_s in self._due_at_s.items() if due_s <= now_s]:
            del self._due_at_s[name]
            self._supervisor.restart(name)
            self._starting.add(name)
            self._slow.discard(name)

    def _tell_start(self, process: Process) -> None:
        name = process.name
        if process.is_ready():
            self._starting.discard(name)
            lines.say(name, f"{self._system.addresses[name]} (pid {process.pid})")
        elif process.age_s > SLOW_S and name not in self._slow:
            self._slow.add(name)
            told = f"is not ready after {SLOW_S:.0f} s; last lines:"
            lines.say(name, f"{told}\n{process.tail(TAIL)}", style="yellow")


def _greet(read: settings.Settings, place: Place) -> list[str]:
    """Say what is about to run, and return what is to be mended in it."""
    folder = str(place.folder).replace(os.path.expanduser("~"), "~")  # noqa: PTH111 - text
    lines.say("up", f"namespace {read.namespace}, data and logs in {folder}")
    listed = warmlist.read(read)
    if read.enabled and (number := len(listed.targets)):
        wanted = f"{number} target{'s' * (number != 1)}"
        tick = format_short(read.tick_s)
        lines.say("up", f"keeps {wanted} warm, with a pass every {tick}")
    for host, where in listed.hosts.items():
        shown, is_there = _look(where)
        at = httpx.URL(where.url).copy_with(userinfo=b"")
        lines.say(
            "ollama", f"host {host}, {at}, {shown}", style="" if is_there else "yellow"
        )
    sentences = warmlist.warnings(read, listed)
    for sentence in sentences:
        lines.say("up", sentence, style="yellow")
    return sentences


def _look(host: Host) -> tuple[str, bool]:
    """What a host answers to the smallest question."""
    try:
        headers = host.authorization()
        answer = httpx.get(f"{host.url}/api/version", headers=headers, timeout=2)
        return f"answers, version {answer.json()['version']}", True
    except BadSettings as exc:
        return f"cannot be asked: {exc}", False
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
        reason = str(exc) or type(exc).__name__
        return f"does not answer ({reason}); going on, it may come later", False


def _how_to_use(system: System) -> str:
    exports = (f"    export {k}={v}" for k, v in system.environment.items())
    page = f"look at {system.web_url}, or " if system.web_port else ""
    return "\n".join(
        (
            f"all are ready; {page}try in another terminal:",
            "    ollama-warmup ps",
            "    ollama-warmup warm llama3:8b",
            "Applications join by these variables:",
            *exports,
            "Ctrl-C ends everything.",
        )
    )


def _ours(environment: Mapping[str, str]) -> dict[str, str]:
    """What others join by; no secrets, which nobody needs who only sends."""
    names = (n for n in environment if n.startswith(("OLLAMA_WARMUP_", "OLLAMA_HOST")))
    secret = (SECRET_PREFIX, WEB_TOKEN)
    return {n: environment[n] for n in names if not n.startswith(secret)}


def _port(asked: int | None, *, usual: int, whose: str) -> int:
    if asked == NONE or _is_free(asked or usual):
        return usual if asked is None else asked
    if asked:
        raise PortTaken(
            f"port {asked} is taken: choose another --{whose}-port, or leave it out to "
            "have a free one"
        )
    return free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
