"""Ends process groups when the supervisor that named them is gone.

Run as `python reaper.py GRACE_S [FOLDER]` with a pipe as standard input: a line
`PID` names a group's leader, `PID last` one that the others still need when they
end, and `-PID` says that it has ended. When the pipe closes, the groups that are
left are ended and the folder, if there is one, is removed. It imports the standard
library alone, to start at once.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

GRACE_S = 5.0
"""Between TERM and KILL."""
POLL_S = 0.05


def end(
    groups: Mapping[int, bool],
    *,
    grace_s: float = GRACE_S,
    patient: Callable[[], bool] = lambda: True,
) -> None:
    """End process groups: TERM to the leaders; KILL to what they leave behind.

    A leader ends its children in its own way; those left when all leaders are
    gone, or the grace is over, are killed. Leaders that the others need, as a
    worker its broker to give a task back, get their TERM when the others are gone.

    Args:
        groups: pids of the leaders, and whether the others need it to the last;
            some may be gone already.
        grace_s: seconds to end by themselves.
        patient: asked while waiting; False ends the wait.
    """
    for last in (False, True):
        wave = [group for group, is_last in groups.items() if is_last is last]
        _end(wave, grace_s=grace_s, patient=patient)


def _end(groups: Sequence[int], *, grace_s: float, patient: Callable[[], bool]) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.kill(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while patient() and any(map(_lives, groups)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    for group in groups:
        kill(group)


def kill(group: int) -> None:
    """Kill what is left of a process group at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Read pids until the pipe closes, then end what they lead."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, bool] = {}
    for line in sys.stdin:
        pid, *last = line.split()
        if int(pid) > 0:
            groups[int(pid)] = bool(last)
        else:
            groups.pop(-int(pid), None)
    grace_s, *folders = sys.argv[1:]
    end(groups, grace_s=float(grace_s))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
