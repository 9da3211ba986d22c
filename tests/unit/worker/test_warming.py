"""One call that wants one target warm: what it gets, and what it does for that."""

from dataclasses import replace
from typing import Any

import pytest

from ollama_warmup.errors import (
    InUse,
    LoadFailed,
    OllamaBusy,
    OllamaDown,
    OllamaUnreachable,
    OutOfMemory,
    Refused,
    StoreUnavailable,
)
from tests.support.builders import INFO, NOW, holder, loaded, target
from tests.support.one_host import LOAD_S, OneHost
from worker.core.calls import Failed, Queued, TryAgain
from worker.core.domain import How, LoadRecord, Outcome

CHAT = target("chat")
OURS = replace(holder(CHAT.key, began_at=NOW - 3, expected_s=8.0), nonce="another")
OTHER = replace(holder(target("plain").key), nonce="another")


def requests(host):
    """What the server was asked to do, as (what, model)."""
    return [(what, sent["model"]) for what, sent in host.server.asked]


# A model that is warm, and one that is cold


def test_a_warm_model_is_answered_without_a_request(caplog):
    caplog.set_level("INFO")
    host = OneHost()
    host.server.resident("chat")

    result = host.warm()

    assert isinstance(result, Outcome)
    assert result.how is How.ALREADY_WARM
    assert host.server.asked == []
    assert host.loads.holder("gpu") is None
    assert (
        "Model already warm: chat (context_length: 4096, expires in 5m)" in caplog.text
    )


@pytest.mark.parametrize(
    ("left_s", "stay"),
    [
        (None, "stays"),
        (-1.0, "busy"),
        (1.5, "expires in 1.5s"),
        (90.0, "expires in 1m30s"),
    ],
)
def test_the_log_tells_how_long_a_warm_model_stays(caplog, left_s, stay):
    caplog.set_level("INFO")
    host = OneHost()
    host.server.resident("chat", left_s)

    host.warm()

    assert caplog.messages == [
        f"Model already warm: chat (context_length: 4096, {stay})"
    ]


def test_a_cold_model_is_loaded_and_its_lane_given_back():
    host = OneHost()

    result = host.warm("chat?num_ctx=2048&keep_alive=10m")

    assert isinstance(result, Outcome)
    assert (result.how, result.attempts) == (How.LOADED, 1)
    assert result.warmth.load_s == pytest.approx(LOAD_S)
    assert result.warmth.resident.context_length == 2048
    sent = {"model": "chat", "options": {"num_ctx": 2048}, "keep_alive_s": 600.0}
    assert host.server.asked == [("infer", sent)]
    assert host.loads.holder("gpu") is None
    assert host.ended == ["gpu"]


def test_a_loading_call_holds_the_lane_and_reports_its_progress_each_second():
    host = OneHost()
    key = target("chat").key
    host.loads.add_history("gpu", weights=CHAT.name.normal, context=0, load_s=7.0)
    seen: list[Any] = []
    host.after(4.5, lambda: seen.append(host.loads.holder("gpu")))

    host.warm(task_id="t7", process="node:5")

    [held] = seen
    assert (held.key, held.task_id, held.process) == (key, "t7", "node:5")
    assert (held.began_at, held.expected_s) == (NOW, 7.0)
    assert held.late_s > LOAD_S
    assert host.progress == [(float(n), 7.0) for n in range(9)]


def test_the_progress_of_a_load_is_reckoned_from_its_beginning():
    host = OneHost()
    host.time.run_until(100.0)

    host.warm()

    assert host.progress == [(float(n), None) for n in range(9)]


def test_the_lease_of_a_long_load_outlives_its_fifteen_seconds():
    host = OneHost()
    host.server.load_s = 50.0
    held = []
    for second in range(1, 50):
        host.after(second, lambda: held.append(host.loads.holder("gpu")))

    host.warm()

    assert len(held) == 49
    assert None not in held


def test_a_second_call_of_a_target_waits_for_its_load_and_joins_it():
    host = OneHost()
    first: list[Any] = []
    second: list[Any] = []
    host.after(0, lambda: first.append(host.warm(task_id="a")))

    def call_until_answered():
        since = None
        while isinstance(result := host.warm(task_id="b", waiting_since=since), Queued):
            since = result.waiting_since
            assert result.pause_s == 0
        second.append(result)

    host.after(2.0, call_until_answered)
    host.time.run_until(60.0)

    assert [r.how for r in (*first, *second)] == [How.LOADED, How.JOINED]
    assert requests(host) == [("infer", "chat")]


# The lane of another load


def test_a_call_holds_its_slot_one_second_for_a_lane_that_another_load_has():
    host = OneHost()
    host.loads.take_lane("gpu", OTHER)

    result = host.warm()

    assert result == Queued(waiting_since=NOW)
    assert host.time.now == pytest.approx(1.0, abs=0.11)
    assert host.server.asked == []
    assert host.server.questions == []
    assert host.progress == []


def test_a_call_that_has_waited_before_waits_since_then():
    host = OneHost()
    host.loads.take_lane("gpu", OTHER)

    assert host.warm(waiting_since=NOW - 50) == Queued(waiting_since=NOW - 50)


def test_a_call_that_waits_for_a_load_of_its_own_target_reports_how_far_it_is():
    host = OneHost()
    host.loads.take_lane("gpu", OURS)

    host.warm()

    assert host.progress == [(3.0, 8.0)]


def test_a_call_loads_as_soon_as_the_lane_is_free():
    host = OneHost()
    host.loads.take_lane("gpu", OTHER)
    host.after(0.45, lambda: host.loads.release_lane("gpu", OTHER))

    result = host.warm()

    assert isinstance(result, Outcome)
    assert host.time.now == pytest.approx(0.5 + LOAD_S, abs=0.1)


def test_nothing_is_warm_while_the_load_that_would_prove_it_is_in_flight():
    host = OneHost()
    host.server.resident("chat")
    host.loads.take_lane("gpu", OURS)

    assert isinstance(host.warm(), Queued)


def test_a_call_that_joined_a_load_logs_nothing(caplog):
    caplog.set_level("INFO")
    host = OneHost()
    record = loaded(host.server.resident("chat"), at=NOW - 1, task_id="another")
    host.loads.write_record("gpu", CHAT.key, record)

    result = host.warm(waiting_since=NOW - 5)

    assert isinstance(result, Outcome)
    assert result.how is How.JOINED
    assert caplog.messages == []


def test_a_warm_model_is_answered_while_another_model_loads():
    host = OneHost()
    host.server.resident("chat")
    host.loads.take_lane("gpu", OTHER)

    result = host.warm()

    assert isinstance(result, Outcome)
    assert host.time.now == 0


# With the lane taken


def test_a_call_that_finds_the_model_warm_once_it_has_the_lane_gives_it_back():
    host = OneHost()
    host.shelf.latency_s = 0.01
    host.after(0.015, lambda: host.server.resident("chat"))

    result = host.warm()

    assert isinstance(result, Outcome)
    assert result.how is How.ALREADY_WARM
    assert host.server.asked == []
    assert host.loads.holder("gpu") is None


def test_a_gentle_call_leaves_a_model_that_an_application_began_to_use_otherwise():
    host = OneHost()
    host.shelf.latency_s = 0.01
    host.after(0.055, lambda: host.server.resident("chat", -5.0, context=512))

    result = host.warm("chat?num_ctx=2048", is_gentle=True)

    assert isinstance(result, Outcome)
    assert result.how is How.DRIFTED
    assert host.loads.holder("gpu") is None


def test_a_call_waits_for_a_load_that_took_the_lane_just_before_it():
    host = OneHost()
    host.shelf.latency_s = 0.01
    host.after(0.055, lambda: host.shelf.set("lane", "gpu", value=OTHER))

    assert isinstance(host.warm(), Queued)
    assert host.loads.holder("gpu") == OTHER


def test_a_call_whose_lane_redis_lost_loads_all_the_same():
    host = OneHost()
    host.shelf.latency_s = 0.01
    host.after(0.065, host.shelf.clear)

    result = host.warm()

    assert isinstance(result, Outcome)
    assert result.how is How.LOADED


@pytest.mark.parametrize(
    "error", [OllamaDown("down"), OllamaUnreachable("mute")], ids=["down", "mute"]
)
def test_a_look_that_fails_with_the_lane_taken_gives_the_lane_back(error):
    host = OneHost()
    host.server.view_fails = [None, error]

    with pytest.raises(type(error)):
        host.warm()

    assert host.loads.holder("gpu") is None
    assert host.server.asked == []


def test_a_model_that_an_application_uses_with_other_options_is_not_reloaded():
    host = OneHost()
    host.server.resident("chat", -5.0)

    with pytest.raises(InUse, match=r"is busy on gpu .* with context 4096"):
        host.warm("chat?num_ctx=2048")

    assert host.server.asked == []
    assert host.loads.holder("gpu") is None


def test_an_idle_model_with_other_options_is_reloaded_and_the_result_tells_from_what():
    host = OneHost()
    host.server.resident("chat")

    result = host.warm("chat?num_ctx=2048")

    assert isinstance(result, Outcome)
    assert (result.how, result.warmth.reloaded_from) == (How.LOADED, 4096)


def test_a_gentle_call_leaves_a_model_with_other_options(caplog):
    caplog.set_level("INFO")
    host = OneHost()
    host.server.resident("chat")

    result = host.warm("chat?num_ctx=2048", is_gentle=True)

    assert isinstance(result, Outcome)
    assert result.how is How.DRIFTED
    assert host.server.asked == []
    assert caplog.messages == [
        "Model left as it is: chat (loaded with context_length 4096, not as wanted)"
    ]


def test_options_that_no_view_shows_are_proven_by_a_request_without_keep_alive():
    host = OneHost()
    host.server.resident("chat")

    result = host.warm("chat?num_gpu=1&keep_alive=10m")

    assert isinstance(result, Outcome)
    assert (result.how, result.attempts) == (How.ALREADY_WARM, 1)
    sent = {"model": "chat", "options": {"num_gpu": 1}}
    assert host.server.asked == [("infer", sent)]


def test_a_model_in_the_cloud_is_refused_before_anything_is_sent():
    host = OneHost()
    host.server.infos["chat"] = replace(INFO, is_remote=True)

    with pytest.raises(Refused, match="there is nothing to warm"):
        host.warm()

    assert host.server.asked == []
    assert host.loads.holder("gpu") is None


# A load that lasts, and one that fails


def test_a_run_stops_waiting_when_its_patience_ends_and_the_load_goes_on():
    host = OneHost()
    host.server.load_s = 100.0

    result = host.warm(patience_s=30.5)

    assert result == Queued(waiting_since=NOW)
    assert host.time.now == pytest.approx(30.5)
    held = host.loads.holder("gpu")
    host.time.run_until(120.0)
    assert held is not None
    assert host.loads.holder("gpu") is None
    record, _ = host.loads.read("gpu", CHAT.key)
    assert record is not None
    assert record.error is None
    assert record.load_s == pytest.approx(100.0)


def test_a_run_that_waited_before_goes_on_waiting_since_then():
    host = OneHost()
    host.server.load_s = 100.0

    result = host.warm(patience_s=5.0, waiting_since=NOW - 50)

    assert result == Queued(waiting_since=NOW - 50)


def test_a_run_stops_waiting_at_an_instant_that_its_clock_rounds():
    host = OneHost()
    host.server.load_s = 100.0
    host.time.run_until(4.1)  # 4.1 + 60 s lies between two numbers of the clock

    assert isinstance(host.warm(patience_s=60.0), Queued)

    assert host.time.now == pytest.approx(64.1)


def test_a_load_that_fails_for_a_moment_is_to_be_tried_again_after_its_pause():
    host = OneHost()
    host.server.fails = [OllamaBusy("full")]

    result = host.warm()

    assert isinstance(result, TryAgain)
    assert isinstance(result.error, OllamaBusy)
    assert result.countdown_s == 2.0
    assert result.waiting_since == NOW


def test_a_call_that_waited_is_tried_again_as_one_that_waits_since_then():
    host = OneHost()
    host.server.fails = [OllamaBusy("full")]

    result = host.warm(waiting_since=NOW - 90)

    assert isinstance(result, TryAgain)
    assert result.waiting_since == NOW - 90


def test_a_load_that_a_retry_does_not_help_fails_for_all_calls():
    host = OneHost()
    host.server.fails = [OutOfMemory("no room")]

    first = host.warm(task_id="a")
    second = host.warm(task_id="b")

    assert isinstance(first, Failed)
    assert isinstance(second, Failed)
    assert str(second.error) == "no room"
    assert len(host.server.asked) == 1


def test_a_call_holds_its_slot_a_second_for_a_target_that_no_call_may_load_yet():
    host = OneHost()
    host.shelf.set("outcome", "gpu", CHAT.key, value=_failed(blocked_s=30.0))

    result = host.warm()

    assert result == Queued(waiting_since=NOW - 1, pause_s=30.0)
    assert host.time.now == 1.0


def test_a_call_holds_its_slot_no_longer_than_the_pause():
    host = OneHost()
    host.shelf.set("outcome", "gpu", CHAT.key, value=_failed(blocked_s=0.25))

    host.warm()

    assert host.time.now == 0.25


def test_a_host_that_gives_no_view_is_told_before_the_lane_is_taken():
    host = OneHost()
    host.server.view_fails = [OllamaDown("down")]

    with pytest.raises(OllamaDown):
        host.warm()

    assert host.loads.holder("gpu") is None


def test_a_redis_that_is_away_is_told():
    host = OneHost()
    host.shelf.is_away = True

    with pytest.raises(StoreUnavailable):
        host.warm()


def test_a_model_that_answered_and_is_listed_otherwise_is_a_failed_load():
    host = OneHost()
    host.server.on_infer = host.server.residents.clear

    result = host.warm()

    assert isinstance(result, TryAgain)
    assert isinstance(result.error, LoadFailed)


def _failed(*, blocked_s):
    return LoadRecord(
        task_id="another",
        attempt=1,
        ended_at=NOW - 1,
        error="OllamaBusy",
        text="full",
        blocked_until=NOW + blocked_s,
    )
