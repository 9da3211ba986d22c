"""One cell: bring about its situation, strike, watch until all is well, judge."""

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tests.faults import checks, strikes
from tests.faults.checks import Seen
from tests.faults.kept import Result
from tests.faults.matrix import ASKED, Action, Cell, Situation, Victim
from tests.faults.scene import NAMESPACE, POLL_S, Scene, told
from tests.faults.server import KEPT
from tests.support.system import running_system
from worker.core.domain import LEASE_S

FIRST, SECOND = "client", "client-2"
SPARE_S = 10.0
"""A caller waits so much longer than its bound: late is told apart from lost."""


def run(cell: Cell, *, logs: Path) -> Result:
    """Run a cell in a system of its own; the logs of one that failed are kept."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        fields = told(folder, cell)
        with running_system(NAMESPACE, logs=folder, grace_s=3, **fields) as system:
            scene = Scene(system=system, server=cell.server)
            try:
                result = _experiment(scene, cell)
            except Exception as exc:  # noqa: BLE001 - a cell that broke is a result
                problem = f"the experiment broke: {exc!r}"
                result = Result(
                    cell=cell, problems=(problem,), callers_s=None, warm_s=None
                )
        if result.problems:
            saved = logs / str(cell).replace(", ", "--").replace(" ", "-")
            shutil.copytree(
                folder, saved, ignore=shutil.ignore_patterns("data"), dirs_exist_ok=True
            )
        return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _experiment(scene: Scene, cell: Cell) -> Result:
    supervisor = scene.system.supervisor
    scene.start()
    if cell.action is Action.ROLL:
        scene.system.start_twin("worker-2")
        supervisor.tend_until(scene.is_alive, "the second worker serves")
    wait_s = cell.callers.seconds(cell.timing) + SPARE_S
    if cell.situation is not Situation.IDLE:
        loads = _loads(scene)
        scene.call(FIRST, ASKED[cell.situation], wait_s=wait_s + SPARE_S)
        supervisor.tend_until(lambda: _loads(scene) > loads, "a load has begun")
        supervisor.tend_until(lambda: supervisor.said(FIRST, "sent"), "all is sent")
        time.sleep(1)
        _check_is_under_way(scene)
    elif cell.victim is not Victim.OLLAMA:
        scene.unload(KEPT)
    struck = time.time()
    if cell.situation is Situation.IDLE and cell.action in _LASTING:
        scene.call(FIRST, ASKED[cell.situation], wait_s=wait_s)
    strikes.strike(scene.system, cell)
    if cell.situation is Situation.IDLE and cell.action not in _LASTING:
        scene.call(FIRST, ASKED[cell.situation], wait_s=wait_s)
    if cell.victim is Victim.CLIENT or cell.action is Action.FLUSH:
        # Nobody else would load it once more, where Redis knows of no load any more.
        scene.call(SECOND, ASKED[cell.situation], wait_s=wait_s)
    return _judged(scene, cell, _watch(scene, cell, struck))


def _loads(scene: Scene) -> int:
    """How many have begun; none if the server does not answer in time."""
    with suppress(httpx.HTTPError):
        return scene.counts().loads
    return 0


def _check_is_under_way(scene: Scene) -> None:
    """Else there is nothing for the fault to hurt, and all would hold."""
    if not scene.leases() or FIRST in scene.system.supervisor.finished:
        raise RuntimeError("no load was in flight when it was to strike")


_LASTING = {Action.STOP, Action.DROP}
"""Whose strike returns when the fault is over: callers come before it."""


def _watch(scene: Scene, cell: Cell, struck: float) -> Seen:
    """Look until all have their answers and all is loaded, or time is over."""
    callers_s, warm_s = cell.callers, cell.warm
    last = max(callers_s.seconds(cell.timing), warm_s.seconds(cell.timing))
    supervisor = scene.system.supervisor
    callers = [name for name in (FIRST, SECOND) if name in supervisor.callers]
    warm_at: float | None = None
    while time.time() < struck + last + 2 * SPARE_S:
        supervisor.tend()
        if KEPT not in scene.resident():
            warm_at = None
        elif warm_at is None:
            warm_at = time.time()
        is_answered = supervisor.finished >= set(callers)
        if is_answered and warm_at and scene.is_alive():
            break
        time.sleep(POLL_S)
    answers = [a for name in callers for a in scene.system.answers(name)]
    return Seen(
        answers=answers,
        callers_s=max((a["at"] for a in answers), default=struck) - struck,
        warm_s=warm_at and warm_at - struck,
    )


def _judged(scene: Scene, cell: Cell, seen: Seen) -> Result:
    deadline = time.time() + LEASE_S + 1
    while scene.leases() and time.time() < deadline:
        time.sleep(POLL_S)
    problems = [
        problem
        for check in checks.ALL
        if (problem := _checked(check, scene, cell, seen))
    ]
    return Result(
        cell=cell,
        problems=tuple(problems),
        callers_s=seen.callers_s if seen.answers else None,
        warm_s=seen.warm_s,
        notes=tuple(_notes(scene, seen)),
    )


def _checked(check: Any, scene: Scene, cell: Cell, seen: Seen) -> str:
    try:
        return str(check(scene, cell, seen))
    except Exception as exc:  # noqa: BLE001 - what cannot be checked does not hold
        return f"{check.__name__} could not be checked: {exc!r}"


def _notes(scene: Scene, seen: Seen) -> list[str]:
    words = [a["told"].partition(":")[0] for a in seen.answers]
    counted = sorted({f"{words.count(one)} {one}" for one in words})
    slow = [s for a in seen.answers for s in a["refused_s"]]
    with suppress(ValueError):
        counted.append(f"refused within {max(slow):.1f} s")
    return counted + [f"died: {d.name} ({d.cause})" for d in scene.died]
