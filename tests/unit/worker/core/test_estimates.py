"""When a load of ours is late, and how long a load of another application may take."""

import pytest

from worker.core import estimates

GIB = 2**30


@pytest.mark.parametrize(
    ("history", "gib", "late_s"),
    [
        ([], 0, 300),
        ([], 40, 1_100),
        ([5.0, 5.0], 1, 320),
        ([5.0, 5.0, 5.0], 40, 30),
        ([5.0, 20.0, 5.0], 40, 60),
        ([5.0] * 31 + [90.0], 40, 30),
    ],
    ids=["none", "large", "too few", "short", "of the longest", "but for one of many"],
)
def test_a_load_is_late_after_three_times_its_usual_longest(history, gib, late_s):
    assert estimates.late_s(history, size_bytes=gib * GIB, foreign_s=0.0) == late_s
    assert estimates.late_s(history, size_bytes=gib * GIB, foreign_s=7) == late_s + 7


@pytest.mark.parametrize(
    ("longest_s", "longest_gib", "largest_gib", "foreign_s"),
    [
        (0.0, 0, 0, 0),
        (0.0, 0, 40, 400),
        (8.0, 4, 4, 8),
        (8.0, 4, 2, 8),
        (8.0, 4, 40, 400),
        (80.0, 4, 40, 800),
    ],
    ids=[
        *("nothing is known", "never loaded", "the largest was", "larger than any"),
        *("larger, and never loaded", "larger, and slow"),
    ],
)
def test_a_foreign_load_may_be_that_of_the_largest_model(
    longest_s, longest_gib, largest_gib, foreign_s
):
    found = estimates.foreign_s(
        longest_s=longest_s,
        longest_bytes=longest_gib * GIB,
        largest_bytes=largest_gib * GIB,
    )

    assert found == foreign_s


def test_seconds_are_told_in_tenths():
    assert estimates.expected_s([1.24]) == 1.2
    assert estimates.late_s([11.11] * 3, size_bytes=0, foreign_s=0.0) == 33.3


def test_a_small_model_that_was_never_loaded_takes_its_share_of_ten_seconds_a_gib():
    found = estimates.foreign_s(longest_s=0.0, longest_bytes=0, largest_bytes=2**20)

    assert found == 0.009765625
