import pytest

from worker.cli import spans


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-3, "0s"),
        (0.9, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3_599, "59m"),
        (7_199, "1h"),
        (86_400, "1d"),
        (40 * 86_400, "40d"),
    ],
)
def test_an_age_has_one_unit(seconds, told):
    assert spans.age(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "Less than a second from now"),
        (1, "1 second from now"),
        (59, "59 seconds from now"),
        (60, "About a minute from now"),
        (299, "4 minutes from now"),
        (3_600, "About an hour from now"),
        (47 * 3_600, "47 hours from now"),
        (48 * 3_600, "2 days from now"),
        (15 * 86_400, "2 weeks from now"),
        (90 * 86_400, "3 months from now"),
        (365 * 86_400, "12 months from now"),
        (800 * 86_400, "2 years from now"),
    ],
)
def test_a_time_left_is_written_as_ollama_ps_writes_it(seconds, told):
    assert spans.from_now(seconds) == told
