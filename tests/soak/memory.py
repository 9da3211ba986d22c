"""What memory each process has, and how it grows."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import psutil

from tests.faults.matrix import Victim, process_of
from tests.soak.past import MACHINE, Trouble
from tests.support.processes import children_of

FIRST_S = 60.0
"""A process is compared with itself at this age."""
EACH_S = 10.0
AFTER_S = 20.0
"""So long after a fault is healed, what it cost may still show."""
MOST = 0.05
"""Growth beyond this share is too much."""
JUMP, LEAPS = 1.03, 3
"""Who grows so much in ten seconds begins to work, and imports what work needs; but
not more often than that."""
LAST = 6
"""So many samples are its last minute."""

OUTAGES = {"server", Victim.REDIS, MACHINE}
"""Which every process lives through, each in its own way."""


@dataclass(slots=True, kw_only=True)
class Grown:
    """One process."""

    name: str
    pid: int
    samples: list[tuple[float, int]] = field(default_factory=list)
    """Instants, and bytes."""

    @property
    def age_s(self) -> float:
        return self.samples[-1][0] - self.samples[0][0]

    @property
    def settled(self) -> list[tuple[float, int]]:
        """From its first minute on."""
        begin = self.samples[0][0]
        return [(at, used) for at, used in self.samples if at - begin >= FIRST_S]

    @property
    def share(self) -> float:
        """How much it has grown since its first minute."""
        settled = self.settled
        return settled[-1][1] / settled[0][1] - 1 if settled else 0.0

    def steady_share(self, troubles: Sequence[Trouble]) -> float:
        """How much its last minute, at least, lies above the most it had before.

        Before is until all is over that happens once, or to a few:

        (1) It begins to work: the first times that it grows by leaps.
        (2) It lives through its first outage of Redis, or of a server, or the first
            fault of its own: what then runs is imported, and tracebacks are told,
            whose sources Python keeps.

        Returns:
            0 of one that has lived no minute since.
        """
        leaps = [
            at
            for (_, before), (at, used) in pairwise(self.samples)
            if used > JUMP * before and at - self.samples[0][0] >= FIRST_S
        ]
        until = self.samples[0][0] + FIRST_S
        until = max([until, *(at + FIRST_S for at in leaps[:LEAPS])])  # (1)
        until = max([until, *(_until(t) for t in self._firsts(troubles))])  # (2)
        before = [used for at, used in self.samples if at <= until]
        after = [used for at, used in self.samples if at > until][-LAST:]
        return min(after) / max(before) - 1 if len(after) == LAST else 0.0

    def _firsts(self, troubles: Sequence[Trouble]) -> Iterator[Trouble]:
        known = set()
        for trouble in troubles:
            kind = "server" if trouble.host else trouble.victim
            is_own = process_of(kind) == self.name.partition(",")[0]
            if trouble.at < self.samples[0][0] or kind in known:
                continue
            if is_own or kind in OUTAGES:
                known.add(kind)
                yield trouble


def _until(trouble: Trouble) -> float:
    return min(trouble.healed, trouble.at + trouble.warm_s) + AFTER_S


@dataclass(slots=True)
class Sampler:
    """Reads them every ten seconds."""

    grown: dict[int, Grown] = field(default_factory=dict)
    _read_at: float = 0.0

    @property
    def is_due(self) -> bool:
        return time.time() - self._read_at >= EACH_S

    def read(self, processes: Mapping[str, int]) -> None:
        """Read them and their children.

        Args:
            processes: pids by name.
        """
        now = self._read_at = time.time()
        for name, pid in _with_children(processes):
            if used := rss_bytes(pid):
                one = self.grown.setdefault(pid, Grown(name=name, pid=pid))
                one.samples.append((now, used))

    def too_much(self, troubles: Sequence[Trouble]) -> Iterator[str]:
        """Processes that have grown beyond what is allowed."""
        for one in self.grown.values():
            if (share := one.steady_share(troubles)) > MOST:
                mib = " ".join(f"{used / 2**20:.1f}" for _, used in one.samples)
                yield f"{one.name} ({one.pid}) has grown by {share:.1%}, MiB: {mib}"


def rss_bytes(pid: int) -> int:
    """RSS of a process, 0 of one that is gone.

    PSS would grow as others end that share its pages.
    """
    with suppress(psutil.NoSuchProcess):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def _with_children(processes: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for name, pid in processes.items():
        yield name, pid
        for child in children_of(pid):
            yield f"{name}, child", child
