"""Ports in a row, for simulated servers that one process runs."""

import random

from worker.cli.supervisor import listens

PORTS = range(12_000, 32_000)
"""Below those that Linux and macOS give to clients."""
TRIES = 100


def free_range(number: int) -> int:
    """Return the first of some consecutive ports on which no process listens."""
    for _ in range(TRIES):
        first = random.randrange(PORTS.start, PORTS.stop - number)  # noqa: S311 - no secret
        if not any(listens(port) for port in range(first, first + number)):
            return first
    raise RuntimeError(f"found no {number} free ports in a row")
