"""The old name of `tests.support.builders`, for `test_touching.py`."""

from tests.support.builders import holder

__all__ = ["holder"]
