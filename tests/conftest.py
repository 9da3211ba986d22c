"""Sessions start from a known environment: no variable of the machine's leaks in."""

import os

FOREIGN = (
    *("OLLAMA_", "CELERY_", "BROKER_URL", "RESULT_BACKEND", "FLOWER_"),
    *("MODEL", "YES", "KEEP", "XDG_STATE_HOME"),
)
KEPT = "OLLAMA_CONTRACT_"


def pytest_configure() -> None:
    for name in list(os.environ):
        if name.startswith(FOREIGN) and not name.startswith(KEPT):
            del os.environ[name]
