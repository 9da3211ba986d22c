"""What a health route of an application answers, and what it sends."""

import asyncio
import time

import pytest

from ollama_warmup import readiness, report
from ollama_warmup.report import Condition
from tests.support.outages import mute, refusing
from tests.support.readiness import at_once, beats, sent


def test_readiness_is_200_and_sends_nothing_when_all_is_warm(last_pass, unserved):
    last_pass({"llama3:8b": Condition.WARM})

    state = asyncio.run(readiness())

    assert (state.ready, state.status, state.headers()) == (True, 200, {})
    assert sent(unserved) == []


def test_a_thousand_callers_have_each_cold_target_sent_once(last_pass, unserved):
    last_pass(dict(zip("abcdefghij", Condition, strict=True)))
    last_pass({"a": Condition.COLD}, host="gpu-2")

    states = asyncio.run(at_once(1_000))

    assert {state.status for state in states} == {503}
    assert sent(unserved) == [("a", "gpu-1")]
    assert sent(unserved, "gpu-2") == [("a", "gpu-2")]
    (message,) = unserved.messages("ollama.lane.gpu-1")
    assert message["kwargs"] == {"gentle": True}
    assert (message["ignore_result"], message["expires_s"]) == (True, 60)
    assert {f"{c}" for c in Condition} == {str(t.condition) for t in states[0].targets}


def test_a_second_readiness_call_within_a_minute_sends_nothing(last_pass, unserved):
    last_pass({"llama3:8b": Condition.COLD})
    asyncio.run(readiness())
    assert len(sent(unserved)) == 1

    asyncio.run(readiness("llama3:8b"))
    asyncio.run(readiness("Library/LLAMA3:8B?num_ctx=4096"))

    assert len(sent(unserved)) == 1
    (key,) = unserved.redis.keys("*:asked:*")
    assert 0 < unserved.redis.ttl(key) <= 60


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("phi3", "phi3:latest is not declared"),
        ("a b", "is no model name"),
        ("gpt-oss:120b-cloud", "nothing to warm"),
    ],
)
def test_readiness_of_an_undeclared_model_is_404(last_pass, unserved, model, sentence):
    last_pass({"llama3:8b": Condition.COLD})

    state = asyncio.run(readiness(model))

    assert (state.status, state.ready) == (404, False)
    assert sentence in state.why
    assert sent(unserved) == []


@pytest.mark.usefixtures("unserved")
def test_readiness_without_a_report_says_not_observed_yet():
    assert asyncio.run(readiness()).why.startswith("not observed yet")


def test_readiness_from_an_old_report_says_since_when(last_pass, unserved):
    last_pass({"llama3:8b": Condition.COLD}, age_s=31)

    assert asyncio.run(readiness()).why.startswith("not observed since 2")
    assert sent(unserved) == []


def test_readiness_names_a_report_of_another_version(last_pass, unserved):
    last_pass({"llama3:8b": Condition.WARM})
    unserved.redis.hset(report.key("ollama-warmup"), "gpu-2", '{"version": 9}')

    assert "the same version" in asyncio.run(readiness()).why


def test_readiness_names_an_unknown_variable(environment):
    environment(TYPO="1")

    state = asyncio.run(readiness())

    assert (state.status, state.headers()) == (503, {"Retry-After": "10"})
    assert "unknown variable OLLAMA_WARMUP_TYPO" in state.why


@pytest.mark.parametrize(("redis", "bound_s"), [(refusing, 2.5), (mute, 3.5)])
def test_a_missing_redis_never_holds_the_event_loop(environment, redis, bound_s):
    with redis() as port:
        environment(BROKER_URL=f"redis://127.0.0.1:{port}/0")
        began_s = time.monotonic()

        states, longest_s = asyncio.run(beats(at_once(100)))
        took_s = time.monotonic() - began_s

    assert {state.status for state in states} == {503}
    assert "Redis at 127.0.0.1" in states[0].why
    assert longest_s < 0.9  # a blocking call to such a Redis takes a second
    assert took_s < bound_s


def test_readiness_answers_even_if_it_cannot_send(last_pass, unserved, caplog):
    last_pass({"llama3:8b": Condition.COLD})
    unserved.redis.acl_setuser("default", commands=["-lpush"], enabled=True)

    state = asyncio.run(readiness())

    assert sent(unserved) == []
    unserved.redis.acl_setuser("default", commands=["+lpush"], enabled=True)
    assert (state.status, state.why) == (503, "llama3:8b on gpu-1 is cold")
    assert caplog.messages[0].startswith("A warm-up that readiness asks for was not")
