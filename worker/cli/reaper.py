"""Ends process groups when the supervisor that named them is gone.

Run as `python reaper.py FOLDER` with a pipe as standard input: a line `PID` names
a group's leader, `-PID` says that it has ended. When the pipe closes, the groups
that are left are ended and the folder is removed. It imports the standard
library alone, to start at once.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence

GRACE_S = 5.0
"""Between TERM and KILL."""
POLL_S = 0.05


def end(
    groups: Sequence[int],
    *,
    grace_s: float = GRACE_S,
    reap: Callable[[], None] = lambda: None,
) -> None:
    """End process groups: TERM to the leaders; KILL to what they leave behind.

    A leader ends its children in its own way; those left when all leaders are
    gone, or the grace is over, are killed.

    Args:
        groups: pids of the leaders; some may be gone already.
        grace_s: seconds to end by themselves.
        reap: called while waiting, to collect children that ended.
    """
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.kill(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while any(map(_lives, groups)) and time.monotonic() < deadline:
        reap()
        time.sleep(POLL_S)
    for group in groups:
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
    groups: set[int] = set()
    for pid in map(int, sys.stdin):
        if pid > 0:
            groups.add(pid)
        else:
            groups.discard(-pid)
    end(sorted(groups))
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
