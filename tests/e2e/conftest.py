"""`make e2e` installs pytest-celery; without it nothing here is collected."""

from importlib.util import find_spec

if find_spec("pytest_celery"):
    from tests.e2e.containers import *  # noqa: F403 - fixtures
else:
    collect_ignore_glob = ["test_*.py"]
