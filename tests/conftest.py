"""Sessions start from a known environment: no variable of the machine's leaks in."""

import os

from hypothesis import settings

FOREIGN = (
    *("OLLAMA_", "CELERY_", "BROKER_URL", "RESULT_BACKEND", "FLOWER_"),
    *("MODEL", "YES", "KEEP", "XDG_STATE_HOME"),
    *("COLUMNS", "LINES"),  # readline sets them in the parent of xdist's workers
)
KEPT = "OLLAMA_CONTRACT_"


# No deadline: how long an example takes says more of the machine than of the code.
settings.register_profile("ours", settings(), deadline=None)
settings.load_profile("ours")


def pytest_configure() -> None:
    for name in list(os.environ):
        if name.startswith(FOREIGN) and not name.startswith(KEPT):
            del os.environ[name]
