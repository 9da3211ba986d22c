"""A runner that dies stays listed: for how long it is called warm all the same."""

from dataclasses import replace

import pytest

from tests.history.scenes import History, Scene, model, wanted
from worker.core.passes import Kind
from worker.simulator.physics.keepalive import FOREVER_S
from worker.simulator.physics.ledger import Why
from worker.simulator.physics.options import ServerSettings

HOUR_S = 3_600.0
TICK_S = 10.0
WINDOWS_S = {"1m": 60.0, "5m": 300.0, "30m": 1_800.0, "2h": 7_200.0}
WINDOWS_S |= {"none": FOREVER_S}


def crashed(window_s: float, *, at: float, called_at: float | None = None) -> History:
    """A target whose runner dies, and perhaps an application that calls it later."""

    def crash(history: History) -> None:
        history.time.sleep(at)
        history.server.crash("chat:latest")
        if called_at is not None:
            history.time.sleep(called_at - at)
            history.server.ask("app", "chat:latest", {}, tokens=10)

    def begin(history: History) -> None:
        history.time.start(lambda: crash(history))

    scene = Scene(
        models=[model("chat", load_s=8.0)],
        settings=ServerSettings(gpu=True),
        targets=[replace(wanted("chat")[0], keep_alive_s=window_s)],
        habits=begin,
        troubles={},
    )
    return History.of(scene, seed=0).run(until=at + 2.5 * HOUR_S)


def called_warm_s(history: History, *, at: float) -> float:
    """How long a dead runner was called warm."""
    [dead] = [v for v in history.server.past.visits if v.why is Why.CRASHED]
    target = history.scene.targets[0]
    said = [s.at for s in history.worker.said[target.key] if s.at > at]
    ended_at = dead.ended_at or history.time.now
    return min([ended_at, *said]) - at


@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("window", WINDOWS_S)
def test_a_dead_runner_is_called_warm_no_longer_than_its_window_or_an_hour(
    window, part
):
    most_s = min(WINDOWS_S[window], HOUR_S)
    at = 60.0 + part * most_s

    history = crashed(WINDOWS_S[window], at=at)

    assert called_warm_s(history, at=at) <= most_s + 2 * TICK_S
    assert len(history.worker.told(Kind.CRASHED)) == 1
    assert history.worker.said[history.scene.targets[0].key][-1].is_ready


def test_a_dead_runner_is_found_by_the_first_call_of_an_application():
    history = crashed(WINDOWS_S["2h"], at=100.0, called_at=400.0)

    assert called_warm_s(history, at=100.0) <= 300.0 + TICK_S
    assert history.worker.told(Kind.CRASHED) == []
