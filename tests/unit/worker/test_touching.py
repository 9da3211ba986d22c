"""A touch restarts the timer of the resident that was meant, or becomes a load."""

from dataclasses import replace

import pytest

from ollama_warmup.errors import OllamaBusy, OllamaDown, RunnerTerminated
from tests.support.builders import NOW, holder, target
from tests.support.one_host import OneHost
from worker import touching
from worker.core.passes import Kind
from worker.touching import Call, Touched

KEY = target("chat").key
ANOTHER = replace(holder(target("plain").key), nonce="another")


def touch(host, wanted="chat", *, digest="d-chat:latest", num_ctx=None):
    call = Call(
        target=target(wanted),
        digest=digest,
        num_ctx=num_ctx,
        task_id="t",
        process="w:1",
    )
    return touching.touch(call, host.deps)


def record(host, wanted="chat"):
    return host.shelf.get("touch", "gpu", target(wanted).key)


# What is not sent


@pytest.mark.parametrize(
    ("resident", "call", "touched"),
    [
        (None, {}, Touched.GONE),
        (("plain", 300), {}, Touched.GONE),
        (("chat", 300), {"digest": "older"}, Touched.GONE),
        (("chat", 300), {"num_ctx": 2048}, Touched.GONE),
        (("chat", -1), {}, Touched.BUSY),
    ],
    ids=["nothing-there", "another-model", "other-weights", "other-context", "busy"],
)
def test_nothing_is_sent_to_another_resident_than_was_meant_nor_to_a_busy_one(
    resident, call, touched
):
    host = OneHost()
    if resident:
        host.server.resident(*resident)

    assert touch(host, **call) is touched

    assert host.server.asked == []
    assert record(host) is None
    assert host.loads.holder("gpu") is None


# A touch that is one


@pytest.mark.parametrize(
    ("wanted", "num_ctx", "options"),
    [
        ("chat", None, {}),
        ("chat?num_gpu=1&keep_alive=10m", None, {"num_gpu": 1}),
        ("chat?num_ctx=2048", 4096, {"num_ctx": 4096}),
        ("chat?num_gpu=1", 4096, {"num_ctx": 4096, "num_gpu": 1}),
    ],
    ids=["no-options", "as-declared", "of-a-foreign-load", "of-a-foreign-load-too"],
)
def test_a_touch_sends_the_options_of_the_resident_and_never_a_keep_alive(
    wanted, num_ctx, options
):
    host = OneHost()
    host.server.resident("chat", 20.0)

    assert touch(host, wanted, num_ctx=num_ctx) is Touched.TOUCHED

    assert host.server.asked == [("touch", {"model": "chat", "options": options})]


def test_a_touch_is_recorded_with_the_time_that_the_model_stays_from_then_on():
    host = OneHost()
    host.time.run_until(100.0)
    host.server.resident("chat", 20.0)

    touch(host)

    written = record(host)
    assert written.at == pytest.approx(NOW + 100, abs=0.1)
    assert (written.digest, written.context_length) == ("d-chat:latest", 4096)
    assert written.left_s == pytest.approx(300.0, abs=0.1)
    assert host.time.now == pytest.approx(100.05)
    assert (written.was_load, written.was_ours) == (False, True)
    assert host.passes.events == []
    assert host.ended == []
    [counted] = host.passes.counted
    assert any("success" in name for name in counted.amounts)


def test_a_touch_of_a_foreign_load_is_recorded_as_such():
    host = OneHost()
    host.server.resident("chat", 20.0)

    touch(host, num_ctx=4096)

    assert not record(host).was_ours


def test_a_touch_that_did_not_move_the_timer_tells_that_an_application_is_at_work():
    host = OneHost()
    there = host.server.resident("chat", 20.0)

    def an_application_is_at_work():
        host.server.residents[:] = [there]

    host.server.on_infer = an_application_is_at_work

    touch(host)

    assert record(host).left_s is None


def test_a_touch_within_a_second_takes_no_lane():
    host = OneHost()
    host.server.resident("chat", 20.0)
    host.loads.take_lane("gpu", ANOTHER)

    assert touch(host) is Touched.TOUCHED
    assert host.loads.holder("gpu") == ANOTHER


def test_a_touch_that_fails_at_once_is_told_and_recorded():
    host = OneHost()
    host.server.resident("chat", 20.0)
    host.server.fails = [RunnerTerminated("died")]

    with pytest.raises(RunnerTerminated):
        touch(host)

    assert record(host).error == "RunnerTerminated"
    assert (record(host).digest, record(host).was_load) == ("d-chat:latest", False)


def test_a_host_that_gives_no_view_is_told():
    host = OneHost()
    host.server.view_fails = [OllamaDown("down")]

    with pytest.raises(OllamaDown):
        touch(host)


# A touch that has become a load


def dying(host, **there):
    """Let a resident's runner be dead: the next request loads it again."""
    host.server.resident("chat", 20.0, **there)
    host.server.is_dead = True


def test_a_touch_that_is_not_answered_within_a_second_has_become_a_load(caplog):
    host = OneHost()
    dying(host)

    assert touch(host) is Touched.LOADING

    assert host.time.now == pytest.approx(1.0)
    held = host.loads.holder("gpu")
    assert held is not None
    assert (held.key, held.task_id, held.expected_s) == (KEY, "t", None)
    assert held.late_s is not None
    assert held.late_s >= 300
    [event] = host.passes.events
    assert (event.kind, event.model) == (Kind.CRASHED, "chat")
    assert "its runner had died, and a touch loaded it again" in caplog.text


def test_a_touch_that_has_become_a_load_goes_on_and_is_proven_by_a_token():
    host = OneHost()
    dying(host)
    touch(host)

    host.time.run_until(20.0)

    sent = {"model": "chat", "options": {}}
    assert host.server.asked == [("touch", sent), ("infer", sent)]
    assert record(host).was_load
    assert record(host).left_s == pytest.approx(300.0, abs=1)
    assert host.loads.holder("gpu") is None
    assert host.ended == ["gpu"]
    assert len(host.passes.events) == 1


def test_a_touch_that_reloaded_a_foreign_load_is_an_event_of_its_own_kind():
    host = OneHost()
    dying(host)

    touch(host, num_ctx=4096)

    [event] = host.passes.events
    assert event.kind is Kind.RELOADED_BY_TOUCH


def test_a_model_that_had_to_go_again_at_once_is_not_loaded_once_more():
    host = OneHost()
    dying(host)
    host.server.on_infer = host.server.residents.clear
    touch(host)

    host.time.run_until(20.0)

    assert [what for what, _ in host.server.asked] == ["touch"]
    assert record(host).was_load
    assert (record(host).context_length, record(host).left_s) == (None, None)


def test_a_touch_that_loads_beside_another_load_leaves_it_the_lane(caplog):
    host = OneHost()
    dying(host)
    host.loads.take_lane("gpu", ANOTHER)

    assert touch(host) is Touched.LOADING

    assert host.loads.holder("gpu") == ANOTHER
    assert "while another load has the lane of gpu" in caplog.text
    host.time.run_until(20.0)
    assert record(host).was_load


def test_a_touch_that_became_a_load_and_failed_is_recorded_as_a_failure():
    host = OneHost()
    dying(host)
    host.server.fails = [OllamaBusy("full")]
    touch(host)

    host.time.run_until(20.0)

    assert record(host).error == "OllamaBusy"
    assert host.ended == ["gpu"]


def test_a_touch_that_changed_the_context_was_a_load_however_fast_it_was():
    host = OneHost()
    host.server.resident("chat", 20.0, context=2048)
    host.server.load_s = 0.3

    assert touch(host, "chat?num_ctx=4096") is Touched.TOUCHED

    assert record(host, "chat?num_ctx=4096").was_load
    [event] = host.passes.events
    assert event.kind is Kind.CRASHED
    assert host.ended == ["gpu"]


def test_a_touch_after_which_no_view_lists_the_model_was_a_load_however_fast_it_was():
    host = OneHost()
    host.server.resident("chat", 20.0)
    host.server.on_infer = host.server.residents.clear

    assert touch(host) is Touched.TOUCHED

    assert record(host).was_load
    assert record(host).context_length is None


def test_a_touch_is_late_by_the_longest_load_of_its_host():
    host = OneHost()
    dying(host)
    host.loads.set_longest("gpu", 40.0, 100)

    touch(host)

    held = host.loads.holder("gpu")
    assert held is not None
    assert held.late_s == pytest.approx(340.0, abs=0.1)
