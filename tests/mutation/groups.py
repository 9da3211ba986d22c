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
    """The part of the mutants that tests must kill; accepted ones do not count."""

    def files(self) -> list[str]:
        """Return the modules' paths; each pattern must match one."""
        return _matches(self.modules)

    def test_files(self) -> list[str]:
        """Return the tests' paths; each pattern must match one."""
        return _matches(self.tests)

    def tests_for(self, module: str) -> tuple[list[str], list[str]]:
        """Return the paths of the tests named after a module, and of the others."""
        stem = Path(module).stem
        tests = self.test_files()
        own = [path for path in tests if Path(path).stem.startswith(f"test_{stem}")]
        return own, [path for path in tests if path not in own]


def _matches(patterns: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        paths = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))
        if not paths:
            raise FileNotFoundError(f"{pattern} matches nothing: correct {__file__}")
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
            "worker/model.py",
            "worker/pulling.py",
            "worker/reconcile.py",
            "worker/touching.py",
            "worker/unloading.py",
            "worker/warming.py",
        ),
        tests=(
            "tests/unit/worker/test_curing.py",
            "tests/unit/worker/test_keeper.py",
            "tests/unit/worker/test_loading.py",
            "tests/unit/worker/test_model.py",
            "tests/unit/worker/test_pulling.py",
            "tests/unit/worker/test_reconcile.py",
            "tests/unit/worker/test_touching.py",
            "tests/unit/worker/test_unloading.py",
            "tests/unit/worker/test_warming.py",
        ),
        least_share=1.0,
    ),
)
