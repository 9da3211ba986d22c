"""That a soak is not called good in which there was nothing to judge."""

from dataclasses import replace

import pytest

from tests.soak import report
from tests.soak.past import MACHINE
from tests.support.soak_examples import GOOD, LOADED, TOUCH, USE, fault

FAULT = fault()
WHOLE = replace(GOOD, asked=(LOADED, TOUCH, USE), troubles=(FAULT,))
EMPTY = {
    "a fault": replace(WHOLE, troubles=(replace(FAULT, victim=MACHINE),)),
    "a warm-up that ended well": replace(WHOLE, calls=()),
    "a look at a server": replace(WHOLE, lives=()),
    "a load of ours": replace(WHOLE, asked=(TOUCH, USE)),
    "a touch of ours": replace(WHOLE, asked=(LOADED, USE)),
    "a request of an application": replace(WHOLE, asked=(LOADED, TOUCH)),
}


def test_a_history_in_which_everything_happened_lacks_nothing():
    assert report.missing(WHOLE) == []


@pytest.mark.parametrize("what", EMPTY)
def test_a_history_lacks_each_thing_that_never_happened_in_it(what):
    assert report.missing(EMPTY[what]) == [what]
