"""What is done to a victim; each returns when the fault itself is over."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from tests.faults.matrix import AWAY_S, Action, Cell, Victim
from tests.faults.scene import NAMES, POLL_S, Scene

PENDING = 4_200
"""More than any backlog here: Linux cuts them to 4,096 (net.core.somaxconn)."""


def strike(scene: Scene, cell: Cell) -> None:
    """Hurt the victim; who died is started again by `scene.tend`."""
    name = NAMES.get(cell.victim, str(cell.victim))
    scene.pauses_s[name] = AWAY_S[cell.action]
    _HOW[cell.action](scene, cell)


def _signal(number: signal.Signals) -> "Callable[[Scene, Cell], None]":
    def send(scene: Scene, cell: Cell) -> None:
        if cell.victim is Victim.CHILD:
            os.kill(scene.loading_child(), number)
        elif number is signal.SIGTERM:  # as a supervisor or Docker does
            os.kill(scene.pid(cell.victim), number)
        else:
            os.killpg(scene.pid(cell.victim), number)

    return send


def _stop(scene: Scene, cell: Cell) -> None:
    with _stopped(scene, cell):
        _wait(scene, AWAY_S[cell.action])


def _drop(scene: Scene, cell: Cell) -> None:
    """Stopped, it still accepts by its kernel; with a full backlog SYNs are dropped."""
    url = scene.system.broker_url
    if cell.victim is Victim.OLLAMA:
        url = scene.system.ollama
    port = int(url.split(":")[2].partition("/")[0])
    with _stopped(scene, cell), ExitStack() as stack:
        for _ in range(PENDING):
            pending = stack.enter_context(socket.socket())
            pending.setblocking(False)
            pending.connect_ex(("127.0.0.1", port))
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise RuntimeError(f"SYNs to port {port} are not dropped")
        _wait(scene, AWAY_S[cell.action])


@contextmanager
def _stopped(scene: Scene, cell: Cell) -> Iterator[None]:
    is_child = cell.victim is Victim.CHILD
    pid = scene.loading_child() if is_child else scene.pid(cell.victim)
    send = os.kill if is_child else os.killpg
    send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            send(pid, signal.SIGCONT)


def _flush(scene: Scene, _cell: Cell) -> None:
    scene.redis.flushall()


def _roll(scene: Scene, _cell: Cell) -> None:
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


_HOW: dict[Action, Callable[[Scene, Cell], None]] = {
    Action.KILL: _signal(signal.SIGKILL),
    Action.AWAY: _signal(signal.SIGKILL),
    Action.LOST: _signal(signal.SIGKILL),
    Action.TERM: _signal(signal.SIGTERM),
    Action.STOP: _stop,
    Action.DROP: _drop,
    Action.FLUSH: _flush,
    Action.ROLL: _roll,
}
