"""Hosts whose loads all hang, and hosts that only look so; under a virtual clock."""

import pytest

from tests.history.scenes import History, model, wanted
from tests.history.stories import (
    ASKED_AT,
    CHAT,
    LOAD_S,
    PLAIN,
    RULES,
    SMALL,
    THIRD,
    Script,
    asked,
    ended_at,
    pinged,
    story,
    takes_the_slot,
    told,
    unloaded,
    works,
)
from worker.core.passes import Kind, Rules

TARGETS, ANY, OFF = RULES, Rules(cures_others=True), Rules(cures_targets=False)
"""`OLLAMA_WARMUP_WEDGE_CURE`."""
LATE_S = 30.0 + LOAD_S
"""When a load of these models is late: three times its usual is less than 30 s."""
SOON_S = 60.0
"""A wedge is told so soon after the load that hangs is late."""


def hangs(*, at: float = ASKED_AT) -> list[Script]:
    """`third` finds all at work; its victim, the shortest to stay, is revived."""
    work = works(at=at - 1, plain=15.0, chat=20.0)
    return [asked(at=at), work, pinged("plain", at=at + 1)]


@pytest.mark.parametrize("rules", [TARGETS, ANY], ids=["targets", "any"])
def test_a_wedge_is_told_soon_and_cured_and_the_load_that_waits_ends(rules):
    history = story(*hangs(), rules=rules)

    [(told_at, model)] = told(history, Kind.WEDGED)
    [(cured_at, cured)] = told(history, Kind.CURED)
    assert model == "third:latest"
    assert 0 < told_at - (ASKED_AT + LATE_S) < SOON_S
    assert cured == "plain:latest"
    assert unloaded(history) == ["plain:latest"]
    assert ended_at(history) == pytest.approx(cured_at + LOAD_S, abs=2)


def test_a_wedge_that_is_older_than_our_load_is_reported_as_soon_as_another():
    """Nobody uses what is resident since, so passes ask who is idle."""
    history = story(
        works(at=ASKED_AT - 30, plain=5.0, chat=6.0),
        works(at=ASKED_AT - 29, ext=1.0),
        pinged("plain", at=ASKED_AT - 28),
        asked(),
    )

    [(told_at, _)] = told(history, Kind.WEDGED)
    assert 0 < told_at - (ASKED_AT + LATE_S) < SOON_S
    assert unloaded(history) == ["plain:latest"]
    assert ended_at(history) < told_at + 4 * LOAD_S


def test_a_wedge_in_which_a_touch_has_become_a_load_is_told():
    """The runner of `chat` dies in it; passes find that an hour after its last use."""

    def crash(history: History) -> None:
        history.time.sleep(200.0)
        history.server.crash("chat:latest")

    history = story(
        works(at=ASKED_AT, plain=5.0, chat=6.0),
        works(at=ASKED_AT + 1, ext=1.0),
        pinged("plain", at=ASKED_AT + 2, keep_alive_s=3 * 3_600.0),
        crash,
        targets=("chat?keep_alive=2h", PLAIN),
        until=4_500.0,
    )

    [(crashed_at, _)] = told(history, Kind.CRASHED)
    [(told_at, model)] = told(history, Kind.WEDGED)
    assert model == "chat"
    assert told_at - crashed_at < 600 + SOON_S
    assert unloaded(history) == ["plain:latest"]


def test_a_wedge_of_a_load_that_a_pass_has_sent_is_cured():
    """An application takes the one slot, and is at work again when a pass loads."""
    sent_at = []

    def hang(history: History) -> None:
        history.time.sleep(ASKED_AT)
        while history.worker.lane is None:
            history.time.sleep(0.005)
        sent_at.append(history.time.now)
        works(ext=20.0)(history)
        pinged("ext", at=1.0)(history)

    history = story(takes_the_slot, hang, targets=(CHAT,), slots=1, rules=ANY)

    [(told_at, model)] = told(history, Kind.WEDGED)
    assert model == "chat"
    assert 0 < told_at - (sent_at[0] + LATE_S) < SOON_S
    assert unloaded(history) == ["ext:latest"]
    assert history.worker.said[wanted(CHAT)[0].key][-1].condition.value == "warm"


def test_a_target_that_was_unloaded_to_free_its_host_is_loaded_again():
    """The host has room for both again when what was revived has gone."""
    history = story(
        asked(),
        works(at=50.0, ext=1.0),
        works(at=ASKED_AT - 1, chat=20.0, ext=15.0),
        pinged("ext", at=ASKED_AT + 1, keep_alive_s=400.0),
        targets=(CHAT,),
    )

    assert told(history, Kind.CURED)[0][1] == "chat:latest"
    assert ended_at(history) < ASKED_AT + LATE_S + SOON_S + 2 * LOAD_S
    back_at = ended_at(history, wanted(CHAT)[0])
    assert back_at < ASKED_AT + LATE_S + SOON_S + 2 * SOON_S
    assert "chat:latest" in {v.stay.name for v in history.server.past.here.values()}


def test_a_wedge_is_only_told_when_cures_are_off():
    history = story(*hangs(), rules=OFF)

    [first, second, *_] = [at for at, _ in told(history, Kind.WEDGED)]
    assert 0 < first - (ASKED_AT + LATE_S) < SOON_S
    assert 600 <= second - first < 600 + SOON_S
    assert told(history, Kind.CURED) == []
    assert unloaded(history) == []
    assert history.worker.record(THIRD) is None


@pytest.mark.parametrize(
    ("rules", "cured"), [(TARGETS, []), (ANY, ["ext:latest"])], ids=["targets", "any"]
)
def test_a_model_that_is_no_target_is_let_go_only_if_any_may_be(rules, cured):
    history = story(
        takes_the_slot,
        asked(),
        works(at=ASKED_AT - 1, ext=15.0),
        pinged("ext", at=ASKED_AT + 1),
        targets=(PLAIN,),
        slots=1,
        rules=rules,
    )

    assert told(history, Kind.WEDGED)
    assert unloaded(history) == cured


def test_a_second_wedge_is_told_although_the_first_made_a_load_last_long():
    history = story(*hangs(), *hangs(at=800.0))

    [(first_at, _), (second_at, _)] = told(history, Kind.WEDGED)
    assert first_at - ASKED_AT < LATE_S + SOON_S
    assert second_at - 800.0 < 4 * LATE_S + SOON_S
    assert len(told(history, Kind.CURED)) == 2


HUGE = model("huge", load_s=390.0, gib=40.0)


def test_a_slow_first_load_of_a_large_model_is_no_wedge():
    slow = model("huge", load_s=1_000.0, gib=40.0)
    history = story(targets=(CHAT, "huge"), models=[*SMALL, slow], slots=3)

    assert ended_at(history, wanted("huge")[0]) > 1_000
    assert told(history, Kind.WEDGED) == []


def test_a_load_behind_that_of_a_large_foreign_model_is_no_wedge():
    history = story(
        asked(), works(at=ASKED_AT - 1, huge=1.0), models=[*SMALL, HUGE], slots=9
    )

    assert ended_at(history) > ASKED_AT + 389
    assert told(history, Kind.WEDGED) == []


def test_a_load_behind_several_foreign_loads_is_no_wedge():
    names = ["one", "two", "three"]
    history = story(
        asked(),
        *(works(at=ASKED_AT - 1, **{name: 1.0}) for name in names),
        models=[*SMALL, *(model(name, load_s=95.0, gib=10.0) for name in names)],
        slots=9,
    )

    assert ended_at(history) > ASKED_AT + 284
    assert told(history, Kind.WEDGED) == []


@pytest.mark.parametrize("rules", [TARGETS, ANY], ids=["targets", "any"])
@pytest.mark.parametrize(
    ("targets", "scripts"),
    [
        ((CHAT, PLAIN), [works(at=ASKED_AT - 1, plain=280.0, chat=15.0)]),
        (
            (CHAT,),
            [works(at=50.0, ext=1.0), works(at=ASKED_AT - 1, ext=280.0, chat=15.0)],
        ),
        ((CHAT,), [works(at=50.0, ext=320.0), works(at=ASKED_AT - 1, chat=15.0)]),
    ],
    ids=["a target", "a foreign model", "since its load"],
)
def test_a_model_that_generates_for_minutes_is_no_wedge(rules, targets, scripts):
    """All are at work when our load comes, and the one that it waits for goes on."""
    history = story(asked(), *scripts, targets=targets, rules=rules)

    assert ended_at(history) > ASKED_AT + 270
    assert told(history, Kind.WEDGED) == []
    assert unloaded(history) == []
