"""What is done to a victim; each returns when the fault itself is over."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Protocol

from tests.faults.matrix import Action, Victim, process_of
from tests.support.processes import RestartingSupervisor
from tests.support.system import RunningSystem
from tests.support.waiting import POLL_S

PENDING = 4_200
"""More than any backlog here: Linux cuts them to 4,096 (net.core.somaxconn)."""


class Blow(Protocol):
    """What is done to whom."""

    @property
    def victim(self) -> str:
        """A `Victim`, or the name of a process."""

    @property
    def action(self) -> Action: ...

    @property
    def away_s(self) -> float:
        """For how long the victim is stopped, or stays away."""


def strike(system: RunningSystem, blow: Blow) -> None:
    """Hurt the victim; who died is started again by `supervisor.tend`."""
    name = process_of(blow.victim)
    system.supervisor.pauses_s[name] = blow.away_s
    _HOW[blow.action](system, blow)


def loading_child(system: RunningSystem) -> int:
    """The child of the worker that holds the load in flight; without one, any."""
    children = system.supervisor.children("worker")
    for lease in system.state.leases():
        pid = int(json.loads(lease)["process"].rpartition(":")[2])
        if pid in children:
            return pid
    return children[0]


def _pid(system: RunningSystem, blow: Blow) -> int:
    return system.supervisor.pid(process_of(blow.victim))


def _signal(number: signal.Signals) -> "Callable[[RunningSystem, Blow], None]":
    def send(system: RunningSystem, blow: Blow) -> None:
        if blow.victim is Victim.CHILD:
            os.kill(loading_child(system), number)
        elif number is signal.SIGTERM:  # as a supervisor or Docker does
            os.kill(_pid(system, blow), number)
        else:
            os.killpg(_pid(system, blow), number)

    return send


def _stop(system: RunningSystem, blow: Blow) -> None:
    with _stopped(system, blow):
        _wait(system, blow.away_s)


def _drop(system: RunningSystem, blow: Blow) -> None:
    """Stopped, it still accepts by its kernel; with a full backlog SYNs are dropped."""
    url = system.broker_url
    if blow.victim is Victim.OLLAMA:
        url = system.shipped.ollama
    port = int(url.split(":")[2].partition("/")[0])
    with _stopped(system, blow), ExitStack() as stack:
        for _ in range(PENDING):
            pending = stack.enter_context(socket.socket())
            pending.setblocking(False)
            pending.connect_ex(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise RuntimeError(f"SYNs to port {port} are not dropped")
        _wait(system, blow.away_s)


@contextmanager
def _stopped(system: RunningSystem, blow: Blow) -> Iterator[None]:
    is_child = blow.victim is Victim.CHILD
    pid = loading_child(system) if is_child else _pid(system, blow)
    send = os.kill if is_child else os.killpg
    send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            send(pid, signal.SIGCONT)


def _flush(system: RunningSystem, _blow: Blow) -> None:
    system.state.redis.flushall()


def _roll(system: RunningSystem, _blow: Blow) -> None:
    """Restart two workers, the second one when the first one is back."""
    supervisor = system.supervisor
    for name in ("worker", "worker-2"):
        deaths = len(supervisor.died)
        supervisor.kill(name, signal.SIGTERM)
        supervisor.tend_until(partial(_died_since, supervisor, deaths), f"{name} ends")
        supervisor.tend_until(supervisor.is_alive, f"{name} is back")


def _died_since(supervisor: RestartingSupervisor, deaths: int) -> bool:
    return len(supervisor.died) > deaths


def _wait(system: RunningSystem, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        system.supervisor.tend()
        time.sleep(POLL_S)


_HOW: dict[Action, Callable[[RunningSystem, Blow], None]] = {
    Action.KILL: _signal(signal.SIGKILL),
    Action.AWAY: _signal(signal.SIGKILL),
    Action.LOST: _signal(signal.SIGKILL),
    Action.TERM: _signal(signal.SIGTERM),
    Action.STOP: _stop,
    Action.DROP: _drop,
    Action.FLUSH: _flush,
    Action.ROLL: _roll,
}
