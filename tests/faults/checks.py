"""What must hold after every fault; each check returns what does not, as words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.matrix import (
    ASKED,
    Action,
    Cell,
    Situation,
    Victim,
    dies_of,
    process_of,
)
from tests.faults.scene import Scene
from tests.faults.server import KEPT

REFUSED_S = {Action.STOP: 6.0, Action.DROP: 6.0}
REFUSED_ELSE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen from the strike on."""

    answers: Sequence[Mapping[str, Any]]
    callers_s: float
    warm_s: float | None


def the_fault_has_struck(scene: Scene, cell: Cell, _seen: Seen) -> str:
    """Who was to die has died, and nobody else, whoever is started again."""
    name = process_of(cell.victim)
    struck = {name} if dies_of(cell.victim, cell.action) else set()
    if cell.action is Action.ROLL:
        struck.add("worker-2")
    died = {death.name for death in scene.died}
    if missed := struck - died:
        return f"not struck: {', '.join(sorted(missed))}"
    if others := died - struck:
        return f"died by themselves: {', '.join(sorted(others))}"
    return ""


def the_load_in_flight_was_cut(scene: Scene, cell: Cell, _seen: Seen) -> str:
    """Where its holder is killed; else the strike has missed it, and proves nothing."""
    if cell.action is not Action.KILL or not cell.cuts:
        return ""
    return "" if scene.counts().cut else "no load was cut off"


def none_is_lost(_scene: Scene, cell: Cell, seen: Seen) -> str:
    """Each call ends with the truth, or with an error that the documents name."""
    lives = cell.victim is Victim.CLIENT and cell.action is Action.STOP
    callers = 2 if lives or cell.action is Action.FLUSH else 1
    wanted = len(ASKED[cell.situation]) * callers
    bad = [a for a in seen.answers if a["what"] in {"lost", "undocumented"}]
    if len(seen.answers) < wanted:
        return f"{wanted - len(seen.answers)} of {wanted} calls without an answer"
    if bad:
        return f"{len(bad)} of {wanted} calls lost: {bad[0]['told']}"
    bound_s = cell.callers.seconds(cell.timing)
    if seen.callers_s > bound_s:
        return f"the last answer came after {seen.callers_s:.1f} s, not {bound_s:g} s"
    return ""


def errors_are_of_the_server(_scene: Scene, cell: Cell, seen: Seen) -> str:
    """Only callers of a server that was hurt are told an error.

    A child stopped for longer than its hard limit, 7 s here and 330 s as shipped, is
    killed by Celery, and its caller told so.
    """
    errors = [a["told"] for a in seen.answers if a["what"] == "error"]
    if cell.victim in {Victim.CHILD, Victim.WORKER} and cell.action is Action.STOP:
        errors = [told for told in errors if not told.startswith("TimeLimitExceeded")]
    if errors and cell.victim is not Victim.OLLAMA:
        return f"{len(errors)} calls failed: {errors[0]}"
    return ""


def nothing_loads_twice(scene: Scene, cell: Cell, _seen: Seen) -> str:
    """By the server's own counts, beyond what the fault has cut off."""
    now = scene.counts()
    whole, wanted = now.loads - now.cut, len(cell.models) + now.gone
    if whole > wanted:
        return f"{whole} loads instead of {wanted}"
    if now.cut > cell.cuts:
        return f"{now.cut} loads were cut off, not {cell.cuts}"
    return ""


def no_lease_is_left(scene: Scene, _cell: Cell, _seen: Seen) -> str:
    if held := scene.leases():
        return f"a lane is held: {held}"
    if eternal := scene.eternal():
        return f"never lapse: {eternal}"
    return ""


def all_serve(scene: Scene, _cell: Cell, _seen: Seen) -> str:
    """Alive or started again, and the worker with all its children."""
    if not scene.is_alive():
        return "a process does not serve"
    found = len(scene.children())
    return "" if found == 2 else f"the worker has {found} children, not 2"


def warm_set_is_restored(scene: Scene, cell: Cell, seen: Seen) -> str:
    bound_s = cell.warm.seconds(cell.timing)
    if seen.warm_s is None or KEPT not in scene.resident():
        return "the warm set is not restored"
    if seen.warm_s > bound_s:
        return f"warm again after {seen.warm_s:.1f} s, not {bound_s:g} s"
    return ""


def a_caller_knows_soon_that_redis_is_away(
    _scene: Scene, cell: Cell, seen: Seen
) -> str:
    bound_s = REFUSED_S.get(cell.action, REFUSED_ELSE_S)
    slow = [s for a in seen.answers for s in a["refused_s"] if s > bound_s]
    if slow:
        return f".delay() failed after {max(slow)} s, not {bound_s:g} s"
    is_away = cell.victim is Victim.REDIS and cell.situation is Situation.IDLE
    if is_away and cell.action is Action.LOST:
        told = any(a["refused_s"] for a in seen.answers)
        return "" if told else "nobody was told that Redis was away"
    return ""


ALL: tuple[Callable[[Scene, Cell, Seen], str], ...] = (
    the_fault_has_struck,
    the_load_in_flight_was_cut,
    none_is_lost,
    errors_are_of_the_server,
    nothing_loads_twice,
    no_lease_is_left,
    all_serve,
    warm_set_is_restored,
    a_caller_knows_soon_that_redis_is_away,
)
