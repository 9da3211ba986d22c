"""Changes the code in small ways, one at a time: tests must notice most of them.

Exits with 1 if too many changes go unnoticed, or if `accepted.toml` names a change that
a test notices, or that is not made any more.
"""

import argparse
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation import judging, mutants
from tests.mutation.groups import GROUPS, Group
from tests.mutation.judging import Verdict
from tests.mutation.mutants import Mutant

ACCEPTED = Path(__file__).with_name("accepted.toml")
INTERRUPTED = 130

Key = tuple[str, str, str]
"""File, function and change: what names a mutant in `accepted.toml`."""


def key(mutant: Mutant) -> Key:
    """Return what names a mutant, wherever its line moves."""
    return mutant.file, mutant.function or "module", mutant.change


def accepted() -> dict[Key, str]:
    """Return why each accepted survivor is accepted."""
    files = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))
    return {
        (file, function, change): reason
        for file, functions in files.items()
        for function, changes in functions.items()
        for change, reason in changes.items()
    }


@dataclass(slots=True, kw_only=True)
class Score:
    """What became of the mutants of one group."""

    group: Group
    reasons: dict[Key, str]
    counts: Counter[Verdict] = field(default_factory=Counter)
    missed: int = 0
    """Survivors that are not accepted."""
    stale: list[Key] = field(default_factory=list)
    """Accepted, but killed or not made."""

    def judge(self, files: Sequence[str]) -> None:
        """Judge all mutants of these modules, and print what survives."""
        print(f"{self.group.name}: running its tests without a fault", flush=True)
        limits = judging.prepare(self.group.test_files())
        for file in files:
            began_at, found = time.monotonic(), mutants.of(file)
            counts: Counter[Verdict] = Counter()
            survivors = []
            tests = self.group.tests_for(file)
            for mutant, verdict in judging.judge(found, tests, limits):
                counts[verdict] += 1
                self.counts[verdict] += 1
                if verdict is Verdict.SURVIVED:
                    survivors.append(mutant)
                    self._survived(mutant)
                if sys.stdout.isatty():
                    print(f"{file}: {counts.total()} of {len(found)}", end="\r")
            left = {key(mutant) for mutant in survivors}
            self.stale += [k for k in self.reasons if k[0] == file and k not in left]
            took_s = time.monotonic() - began_at
            print(f"{file}: {words(counts)} in {took_s:.0f} s", flush=True)

    def _survived(self, mutant: Mutant) -> None:
        reason = self.reasons.get(key(mutant))
        self.missed += reason is None
        print(f"{mutant.file}:{mutant.line}: {mutant.change}")
        print(f"    accepted: {reason}" if reason else "    no test notices it")

    @property
    def share(self) -> float:
        """The part of the mutants that is killed, of those that are not accepted."""
        killed = self.counts.total() - self.counts[Verdict.SURVIVED]
        return killed / (killed + self.missed) if killed + self.missed else 1.0

    @property
    def is_good(self) -> bool:
        """Whether enough are killed, and each reason is still needed."""
        return self.share >= self.group.least_share and not self.stale

    def report(self) -> None:
        """Print the group's line."""
        for file, function, change in self.stale:
            print(f"{file}: {function}: accepted, but no survivor: {change}")
        print(
            f"{self.group.name}: {words(self.counts)}; without the accepted ones "
            f"{self.share:.1%} are killed, {self.group.least_share:.0%} must be"
        )


def words(counts: Counter[Verdict]) -> str:
    """Return how many mutants have each verdict."""
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)


def main() -> int:
    """Judge the modules of the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("modules", nargs="*", help="such as worker/core/room.py")
    wanted = set(parser.parse_args().modules)
    chosen = {
        group.name: [file for file in group.files() if not wanted or file in wanted]
        for group in GROUPS
    }
    if strangers := wanted.difference(*chosen.values()):
        parser.error(f"in no group: {', '.join(sorted(strangers))}")
    reasons = accepted()
    scores = []
    is_whole = False
    try:
        for group in GROUPS:
            if files := chosen[group.name]:
                scores.append(Score(group=group, reasons=reasons))
                scores[-1].judge(files)
        is_whole = True
    except KeyboardInterrupt:
        print("\ninterrupted")
    for score in scores:
        score.report()
    if not is_whole:
        return INTERRUPTED
    return 0 if all(score.is_good for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
