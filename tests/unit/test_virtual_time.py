"""The clock of the unit tests: threads take turns, and waits have an end."""

import pytest

from tests.support.virtual_time import LONGEST_S, Process, VirtualTime


@pytest.fixture
def time():
    return VirtualTime()


def test_threads_run_in_the_order_of_the_instants_for_which_they_wait(time):
    did = []

    def thread(name, *waits):
        for seconds in waits:
            time.sleep(seconds)
            did.append((name, time.now))

    time.start(lambda: thread("slow", 3.0, 3.0))
    time.start(lambda: thread("quick", 1.0, 1.0, 3.0))
    time.sleep(6.5)

    assert did == [
        *(("quick", 1.0), ("quick", 2.0)),
        *(("slow", 3.0), ("quick", 5.0), ("slow", 6.0)),
    ]
    assert time.now == 6.5


def test_a_wait_for_a_signal_ends_when_it_is_set_or_the_time_is_over(time):
    signal, late = time.signal(), time.signal()
    time.start(signal.set, after=2.0)
    time.start(late.set, after=9.0)

    assert not signal.wait(1.5)
    assert signal.wait(5.0)
    assert time.now == 2.0
    assert signal.wait(5.0)
    assert time.now == 2.0
    assert late.wait()
    assert time.now == 9.0


def test_a_wake_up_for_an_earlier_wait_comes_too_late(time):
    signal, woken = time.signal(), []

    def thread():
        woken.append((signal.wait(5.0), time.now))
        time.sleep(10.0)
        woken.append((True, time.now))

    time.start(thread)
    time.start(signal.set, after=1.0)
    time.run_until(20.0)

    assert woken == [(True, 1.0), (True, 11.0)]


def test_nothing_that_a_killed_process_does_reaches_the_world(time):
    process, did = Process(), []

    def child():
        time.sleep(5.0)
        did.append("child")

    def thread():
        time.start(child, after=1.0)
        try:
            time.sleep(5.0)
        finally:
            did.append("cleans up")
            time.sleep(0.0)
            did.append("writes")

    time.start(thread, process=process)
    time.run_until(2.0)
    time.kill(process)
    time.run_until(20.0)

    assert did == ["cleans up"]


def test_a_thread_may_kill_another_process_and_goes_on(time):
    process, did = Process(), []

    def kill():
        time.kill(process)
        time.sleep(1.0)
        did.append("goes on")

    time.start(lambda: time.sleep(9.0), process=process)
    time.start(kill, after=1.0)
    time.run_until(5.0)

    assert did == ["goes on"]


def test_a_thread_that_raises_fails_the_test(time):
    def thread():
        raise KeyError("ours")

    time.start(thread, after=1.0)

    with pytest.raises(KeyError):
        time.sleep(2.0)


def test_waits_without_an_end_fail_the_test(time):
    def spin():
        while True:
            time.sleep(0.0)

    with pytest.raises(AssertionError, match="nothing will wake one"):
        time.signal().wait()
    with pytest.raises(AssertionError, match="no time passes"):
        spin()
    with pytest.raises(AssertionError, match="waits in vain"):
        time.sleep(LONGEST_S + 1)
