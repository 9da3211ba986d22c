"""Many callers at once: all applications of a system send, and all are answered."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.system import RunningSystem


def send_from_all(
    system: RunningSystem, *args: object, times: int, **options: Any
) -> None:
    """Send a warm-up so many times, in equal shares from each application."""
    share = times // len(system.applications)
    for application in system.applications:
        application.send(*args, times=share, **options)


def answers_of_all(system: RunningSystem) -> list[dict[str, Any]]:
    """Return every answer of one order to each application."""
    return [a for application in system.applications for a in application.answers()]


def warm_from_all(
    system: RunningSystem, *args: object, times: int, **options: Any
) -> list[dict[str, Any]]:
    """Send from all applications, and return every answer."""
    send_from_all(system, *args, times=times, **options)
    return answers_of_all(system)


def outcomes(answers: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Count answers by outcome, or by the name of their error."""
    return Counter(
        a["result"]["outcome"] if "result" in a else a["error"] for a in answers
    )
