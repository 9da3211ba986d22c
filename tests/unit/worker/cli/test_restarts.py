from worker.cli.restarts import Restarts


def test_the_pause_before_a_restart_doubles_up_to_half_a_minute():
    restarts = Restarts()

    pauses = [restarts.pause_s("worker", age_s=2) for _ in range(7)]

    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_after_a_minute_of_life_the_pause_of_a_process_begins_anew():
    restarts = Restarts()
    for _ in range(4):
        restarts.pause_s("worker", age_s=2)

    assert restarts.pause_s("worker", age_s=60) == 1
    assert restarts.pause_s("worker", age_s=59) == 2


def test_each_process_has_its_own_pause_before_a_restart():
    restarts = Restarts()
    restarts.pause_s("worker", age_s=2)

    assert restarts.pause_s("flower", age_s=2) == 1
