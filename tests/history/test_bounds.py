"""How soon what is wanted is warm again, in ticks of ten seconds: nothing sleeps."""

from dataclasses import replace

import pytest

from ollama_warmup.report import Condition
from tests.history import checks
from tests.history.scenes import ROOMY, History, Scene, wanted
from worker.core.room import HOLD_TICKS
from worker.simulator.physics.options import ServerSettings

TICK_S, TOKEN_S = 10.0, 0.6
CHAT_S, PLAIN_S, EMBED_S = 12.0 + TOKEN_S, 3.0 + TOKEN_S, 1.0 + TOKEN_S
"""What their loads take: until the runner is there, and its first token."""


def host(*texts, room=9):
    """A host nobody else uses, after its first hundred seconds."""
    scene = Scene(
        models=ROOMY,
        settings=ServerSettings(max_loaded_models=room, gpu=True),
        targets=wanted(*texts),
        habits=lambda _: None,
        troubles={},
        tick_s=TICK_S,
    )
    return History.of(scene, seed=0).run(until=100.5)


def use(day, model, *, at, keep_alive_s):
    """An application asks once, for a second."""

    def process():
        day.server.ask("app", model, {}, tokens=5, keep_alive_s=keep_alive_s)

    day.time.start(process, after=at - day.time.now)


def warm(day):
    return {v.stay.name.partition(":")[0] for v in day.server.past.here.values()}


def sent(day, model, *, since):
    """When loads of ours were sent for a model."""
    target = next(t for t in day.scene.targets if t.model.startswith(model))
    return [load.at for load in checks.loads(day, target) if load.at >= since]


def went(day, model):
    visits = [v for v in day.server.past.visits if v.stay.name == f"{model}:latest"]
    return visits[-1].ended_at


# The server begins anew


@pytest.mark.parametrize("down_s", [2.0, 25.0], ids=["unseen", "seen"])
def test_all_targets_are_warm_a_tick_and_their_loads_after_a_restart(down_s):
    day = host("chat", "plain", "embed")
    assert warm(day) == {"chat", "plain", "embed"}
    day.server.restart(down_s=down_s)
    back_at = day.time.now + down_s

    day.run(until=back_at + TICK_S + CHAT_S + PLAIN_S + EMBED_S + 1)

    assert warm(day) == {"chat", "plain", "embed"}


@pytest.mark.parametrize(
    ("down_s", "ticks", "is_quiet"),
    [(25.0, 1, False), (2.0, 2 + HOLD_TICKS, False), (2.0, 1, True)],
    ids=["seen", "unseen", "unseen-where-nobody-else-loads"],
)
def test_a_lone_target_waits_six_ticks_after_a_restart_where_other_models_are_loaded(
    down_s, ticks, is_quiet
):
    """One tick to see that it went, and the pass after six."""
    day = host("chat")
    if is_quiet:
        day.worker.memory = replace(day.worker.memory, strangers_at=1.0)
    day.server.restart(down_s=down_s)
    back_at = day.time.now + down_s

    day.run(until=back_at + ticks * TICK_S + CHAT_S + 1)

    assert warm(day) == {"chat"}
    assert len(sent(day, "chat", since=back_at)) == 1


# Parts of ours begin anew


@pytest.mark.parametrize("part", ["beat", "worker"])
def test_all_targets_are_warm_two_ticks_and_their_loads_after_beat_or_worker_is_back(
    part,
):
    day = host("chat", "plain", "embed")
    if part == "beat":
        day.worker.ticks_out.append((day.time.now, day.time.now + 100))
    else:
        day.worker.kill_lanes(100)
    back_at = day.time.now + 100
    day.run(until=day.time.now + 30)
    day.server.restart(down_s=2)

    day.run(until=back_at + 2 * TICK_S + CHAT_S + PLAIN_S + EMBED_S + 1)

    assert warm(day) == {"chat", "plain", "embed"}


def test_no_resident_target_is_loaded_again_after_redis_was_emptied():
    day = host("chat", "plain", "embed")
    day.worker.empty_store()

    day.run(until=1_000)

    assert warm(day) == {"chat", "plain", "embed"}
    assert [sent(day, t.model, since=100) for t in day.scene.targets] == [[], [], []]


# Others take the room


def test_once_the_model_that_took_its_room_is_gone_a_target_is_back_at_the_next_pass():
    day = host("chat", room=1)
    use(day, "ext1:latest", at=101, keep_alive_s=20)

    day.run(until=200)

    gone_at = went(day, "ext1")
    assert gone_at < 140
    assert 0 < sent(day, "chat", since=101)[0] - gone_at < TICK_S + 0.2


def test_a_foreign_model_that_stays_unused_has_the_room_of_a_target_for_six_ticks():
    day = host("chat", room=1)
    use(day, "ext1:latest", at=101, keep_alive_s=600)

    day.run(until=200)

    seen_at = next(x.at for x in day.worker.looks if "ext1:latest" in x.left_s)
    after_s = sent(day, "chat", since=101)[0] - seen_at
    assert HOLD_TICKS * TICK_S <= after_s < (HOLD_TICKS + 1) * TICK_S + 0.2


def test_as_soon_as_there_is_room_for_both_a_target_is_loaded_beside_it():
    day = host("chat?keep_alive=60s", room=2)
    use(day, "plain:latest", at=101, keep_alive_s=70)
    use(day, "ext1:latest", at=151, keep_alive_s=600)

    day.run(until=260)

    gone_at = went(day, "plain")
    assert 0 < sent(day, "chat", since=151)[0] - gone_at < TICK_S + 0.2
    assert warm(day) == {"chat", "ext1"}


# More is wanted than fits


def test_of_two_that_do_not_fit_the_less_wanted_is_unfit_after_one_try():
    day = host("chat", "plain", room=1)

    day.run(until=300)
    tries = [len(sent(day, model, since=0)) for model in ("chat", "plain")]
    day.run(until=3_000)

    assert tries == [2, 1]
    assert [len(sent(day, model, since=0)) for model in ("chat", "plain")] == tries
    said = day.worker.said[day.scene.targets[1].key][-1]
    assert said.condition is Condition.UNFIT
    assert said.why == "does not fit beside chat, which is wanted more"
    assert warm(day) == {"chat"}
