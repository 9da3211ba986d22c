"""What is done to a victim; each returns when the fault itself is over."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Protocol

from tests.faults.matrix import Action, Victim
from tests.faults.scene import POLL_S, Scene, process_of

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


def strike(scene: Scene, blow: Blow) -> None:
    """Hurt the victim; who died is started again by `scene.tend`."""
    name = process_of(blow.victim)
    scene.pauses_s[name] = blow.away_s
    _HOW[blow.action](scene, blow)


def _signal(number: signal.Signals) -> "Callable[[Scene, Blow], None]":
    def send(scene: Scene, blow: Blow) -> None:
        if blow.victim is Victim.CHILD:
            os.kill(scene.loading_child(), number)
        elif number is signal.SIGTERM:  # as a supervisor or Docker does
            os.kill(scene.pid(blow.victim), number)
        else:
            os.killpg(scene.pid(blow.victim), number)

    return send


def _stop(scene: Scene, blow: Blow) -> None:
    with _stopped(scene, blow):
        _wait(scene, blow.away_s)


def _drop(scene: Scene, blow: Blow) -> None:
    """Stopped, it still accepts by its kernel; with a full backlog SYNs are dropped."""
    url = scene.system.broker_url
    if blow.victim is Victim.OLLAMA:
        url = scene.system.ollama
    port = int(url.split(":")[2].partition("/")[0])
    with _stopped(scene, blow), ExitStack() as stack:
        for _ in range(PENDING):
            pending = stack.enter_context(socket.socket())
            pending.setblocking(False)
            pending.connect_ex(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise RuntimeError(f"SYNs to port {port} are not dropped")
        _wait(scene, blow.away_s)


@contextmanager
def _stopped(scene: Scene, blow: Blow) -> Iterator[None]:
    is_child = blow.victim is Victim.CHILD
    pid = scene.loading_child() if is_child else scene.pid(blow.victim)
    send = os.kill if is_child else os.killpg
    send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            send(pid, signal.SIGCONT)


def _flush(scene: Scene, _blow: Blow) -> None:
    scene.redis.flushall()


def _roll(scene: Scene, _blow: Blow) -> None:
    """Restart two workers, the second one when the first one is back."""
    for name in ("worker", "worker-2"):
        deaths = len(scene.died)
        os.kill(scene.pid(name), signal.SIGTERM)
        scene.until(partial(_died_since, scene, deaths), f"{name} has ended")
        scene.until(scene.is_alive, f"{name} is back")


def _died_since(scene: Scene, deaths: int) -> bool:
    return len(scene.died) > deaths


def _wait(scene: Scene, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        scene.tend()
        time.sleep(POLL_S)


_HOW: dict[Action, Callable[[Scene, Blow], None]] = {
    Action.KILL: _signal(signal.SIGKILL),
    Action.AWAY: _signal(signal.SIGKILL),
    Action.LOST: _signal(signal.SIGKILL),
    Action.TERM: _signal(signal.SIGTERM),
    Action.STOP: _stop,
    Action.DROP: _drop,
    Action.FLUSH: _flush,
    Action.ROLL: _roll,
}
