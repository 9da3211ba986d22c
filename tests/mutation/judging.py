"""Runs tests against mutants: each in a forked child, in memory, two at a time.

The parent imports the libraries that the tests need. A child imports only the packages
that may be mutated, with the mutant in place of its module.
"""

import contextlib
import gc
import importlib
import multiprocessing
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing.connection import Connection, wait
from types import CodeType

import pytest
from hypothesis import Phase, settings

from tests.mutation.mutants import Mutant

OWN = ("__", "tasks", "tests", "worker")
"""Each child imports modules whose names begin so itself."""
CHILDREN = 2
"""How many run at a time."""
MEMORY_BYTES = 4 * 2**30
"""What a child may allocate: a fault may make a list grow for ever."""
ARGUMENTS = (
    *("-q", "-x", "--tb=no", "--no-header", "--no-summary", "--assert=plain"),
    *("-p", "no:cacheprovider", "-p", "no:xdist"),
    # The parent has imported pytest's plugins already, which pytest warns of.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *("--hypothesis-profile", "mutation"),
)
FORK = multiprocessing.get_context("fork")

# The same few examples in every run; a failure is not made smaller.
settings.register_profile(
    "mutation",
    derandomize=True,
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may take, seconds."""

    cpu_s: int
    wall_s: float


class _Mutated(SourceFileLoader):
    """Finds one module, and loads other code for it."""

    def __init__(self, file: str, code: CodeType) -> None:
        name = file.removesuffix(".py").replace("/", ".")
        super().__init__(name, file)
        self._code = code

    def find_spec(self, fullname, path, target=None) -> ModuleSpec | None:
        del path, target
        if fullname != self.name:
            return None
        return spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname) -> CodeType:
        del fullname
        return self._code


class _HypothesisLast:
    """A plugin of pytest: hypothesis' tests, which take longer, run last."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: hasattr(getattr(item, "obj", None), "hypothesis"))


def prepare(tests: Sequence[str]) -> Limits:
    """Run the tests without a fault, and import for good what they import.

    Raises:
        RuntimeError: they fail.
    """
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_run_whole, args=(tests, theirs))
    child.start()
    theirs.close()
    try:
        cpu_s, modules = ours.recv()
    except EOFError:
        raise RuntimeError("the tests fail as the code is; run them alone") from None
    finally:
        child.join()
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.freeze()  # so that a child's collector leaves alone what it shares
    # Three times as long as all tests take: a fault that slows more is an endless loop.
    return Limits(cpu_s=round(3 * cpu_s) + 2, wall_s=15 * cpu_s + 30)


def judge(
    mutants: Sequence[Mutant], tests: Sequence[Sequence[str]], limits: Limits
) -> Iterator[tuple[Mutant, Verdict]]:
    """Run tests against each mutant, and yield its verdict as it comes.

    Args:
        mutants: any.
        tests: paths; those of one part run once all of the part before have passed.
        limits: of one mutant.
    """
    running: dict[multiprocessing.context.ForkProcess, tuple[Mutant, float]] = {}
    queue = iter(mutants)
    try:
        while True:
            while len(running) < CHILDREN and (mutant := next(queue, None)):
                child = FORK.Process(target=_run, args=(mutant, tests, limits))
                child.start()
                running[child] = (mutant, time.monotonic() + limits.wall_s)
            if not running:
                return
            wait([child.sentinel for child in running], timeout=1)
            for child, (mutant, until) in list(running.items()):
                if child.is_alive() and time.monotonic() > until:
                    child.kill()
                    child.join()
                if not child.is_alive():
                    del running[child]
                    yield mutant, _verdict(child.exitcode)
    finally:
        for child in running:
            child.kill()
            child.join()


def _verdict(exitcode: int | None) -> Verdict:
    if exitcode == 0:
        return Verdict.SURVIVED
    was_ended = exitcode in {-signal.SIGXCPU, -signal.SIGKILL}
    return Verdict.TIMED_OUT if was_ended else Verdict.KILLED


def _run_whole(tests: Sequence[str], result: Connection) -> None:
    _quiet()
    code = pytest.main([*ARGUMENTS, *tests], plugins=[_HypothesisLast()])
    if code == 0:
        names = [name for name in sys.modules if not name.startswith(OWN)]
        result.send((time.process_time(), names))
    _leave(code)


def _run(mutant: Mutant, tests: Sequence[Sequence[str]], limits: Limits) -> None:
    _quiet()
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.meta_path.insert(0, _Mutated(mutant.file, mutant.code()))
    for part in filter(None, tests):
        if code := pytest.main([*ARGUMENTS, *part], plugins=[_HypothesisLast()]):
            _leave(code)
    _leave(0)


def _quiet() -> None:
    """Say nothing, and end at once on Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _leave(code: int) -> None:
    """End without waiting for threads that a fault left behind."""
    os._exit(int(code))
