"""Which modules are mutated, and which tests must notice."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Modules that the same tests judge; paths and patterns from the root."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    least_share: float
    """How many of 1 mutants must be killed, of those that are not accepted."""

    def files(self) -> list[str]:
        """Return the modules' paths; each pattern must match one."""
        return _matches(self.modules)

    def tests_for(self, module: str) -> list[str]:
        """Return the tests' paths, those named after the module first."""
        stem = Path(module).stem
        tests = _matches(self.tests)
        return sorted(tests, key=lambda path: stem not in path.rpartition("/")[2])


def _matches(patterns: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        paths = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))
        if not paths:
            raise FileNotFoundError(f"{pattern} matches nothing: mend {__file__}")
        found += paths
    return list(dict.fromkeys(found))


GROUPS = (
    Group(
        name="core",
        modules=("worker/core/*.py",),
        tests=(
            "tests/unit/worker/core/test_*.py",
            "tests/unit/worker/metrics/test_counters.py",
            "tests/unit/worker/test_failures.py",
            "tests/unit/worker/test_memory_json.py",
            "tests/unit/worker/test_residency.py",
        ),
        least_share=0.9,
    ),
    Group(
        name="usecases",
        modules=(
            "worker/curing.py",
            "worker/keeper.py",
            "worker/loading.py",
            "worker/looking.py",
            "worker/model.py",
            "worker/pulling.py",
            "worker/reconcile.py",
            "worker/touching.py",
            "worker/unloading.py",
            "worker/warming.py",
        ),
        tests=(
            "tests/unit/worker/test_loading.py",
            "tests/unit/worker/test_pulling.py",
            "tests/unit/worker/test_runtime.py",
            "tests/unit/worker/test_touching.py",
            "tests/unit/worker/test_unloading.py",
        ),
        least_share=1.0,
    ),
)
