"""`warmup.delay(…)` from an application's process, through a real worker."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis


def fault(system, **fields):
    answer = system.ollama.post("/_sim/faults", **fields)
    assert answer.status_code == 200, answer.text


def test_a_cold_model_is_loaded_and_the_result_says_how(system):
    loads = system.ollama.loads()

    result = system.application.warmup("mid")["result"]

    assert result.keys() == {
        "model",
        "host",
        "outcome",
        "load_s",
        "total_s",
        "context_length",
        "expires_at",
        "vram_fraction",
        "attempts",
        "options_verified",
    }
    assert result["attempts"] == 1
    assert result["options_verified"] is True
    assert result["model"] == "mid"
    assert result["host"] == "default"
    assert result["outcome"] == "loaded"
    assert 1 < result["load_s"] < result["total_s"] < 4
    assert result["context_length"] == 4096
    assert system.ollama.loads() == loads + 1
    assert "mid:latest" in system.ollama.resident()


def test_a_load_is_logged_in_the_documented_words(system):
    before = len(system.log())

    system.application.warmup("tiny3")
    lines = [line.rpartition("] ")[2] for line in system.log()[before:].split("\n")]

    assert (
        "Warming up Ollama model: tiny3 (this may take a moment on first use)" in lines
    )
    done = next(line for line in lines if line.startswith("Model warmup completed"))
    assert done.startswith("Model warmup completed: tiny3 (load_duration: ")
    assert done.endswith("ms)")
    assert ", total_duration: " in done


def test_a_load_is_counted_by_who_asked_and_as_other_if_nobody_declared_it(system):
    field = "load|on_demand|success|default|other"
    with Redis.from_url(system.broker_url, decode_responses=True) as redis:
        before = float(redis.hget("tests:totals", field) or 0)

        system.application.warmup("tiny")

        assert float(redis.hget("tests:totals", field) or 0) == before + 1
        assert redis.hlen("tests:typical") == 0


def test_a_warm_model_is_answered_from_the_view_alone(system):
    system.application.warmup("tiny")
    before = system.ollama.stats()
    mark = len(system.log())

    result = system.application.warmup("tiny")["result"]

    after = system.ollama.stats()
    assert result["outcome"] == "already_warm"
    assert result["load_s"] == 0
    assert after["requests"]["/api/generate"] == before["requests"]["/api/generate"]
    log = system.log()[mark:]
    assert "Model already warm: tiny (context_length: 4096, expires in " in log
    assert "Warming up" not in log


def test_runner_options_and_keep_alive_reach_ollama(system):
    result = system.application.warmup("tiny?num_ctx=2048&keep_alive=30m")["result"]

    left = datetime.fromisoformat(result["expires_at"]) - datetime.now(UTC)
    assert result["context_length"] == 2048
    assert timedelta(minutes=29) < left < timedelta(minutes=31)


def test_other_options_reload_the_model_and_the_result_says_from_what(system):
    system.application.warmup("tiny?num_ctx=2048")

    result = system.application.warmup("tiny?num_ctx=1024")["result"]

    assert result["outcome"] == "loaded"
    assert result["reloaded_from"] == 2048
    assert result["context_length"] == 1024


@pytest.mark.parametrize(
    ("request_text", "error", "words"),
    [
        ("a b", "BadRequest", "is no model name"),
        ("tiny?nun_ctx=1", "BadRequest", "did you mean num_ctx"),
        ("tiny?keep_alive=300", "BadRequest", "write 300s"),
        ("gpt-oss:120b-cloud", "BadRequest", "nothing to warm"),
    ],
)
def test_a_bad_request_is_refused_before_anything_is_sent(
    system, request_text, error, words
):
    before = system.ollama.stats()["requests"]

    answer = system.application.warmup(request_text)

    assert answer["error"] == error
    assert words in answer["text"]
    assert system.ollama.stats()["requests"] == before


def test_a_host_that_is_not_configured_is_refused(system):
    answer = system.application.warmup("tiny", "gpu-7")

    assert answer["error"] == "UnknownHost"
    assert "default" in answer["text"]


def test_an_unknown_model_is_permanent_and_tells_the_command(system):
    answer = system.application.warmup("nope")

    assert answer["error"] == "UnknownModel"
    assert "ollama pull nope" in answer["text"]


def test_a_200_that_ended_early_is_retried_until_the_model_has_answered(system):
    fault(system, fault="early_end", times=1)
    before = system.ollama.stats()["requests"]["/api/generate"]

    answer = system.application.warmup("tiny")

    assert answer["result"]["model"] == "tiny"
    assert system.ollama.stats()["requests"]["/api/generate"] == before + 2
    assert f"[{answer['id']}] retry: Retry in" in system.log()


def test_a_host_that_is_away_for_a_moment_costs_a_retry_and_no_answer(system):
    fault(system, fault="status", status=502, path="/api/ps", times=2)

    answer = system.application.warmup("tiny")

    assert answer["result"]["outcome"] == "loaded"
    assert f"[{answer['id']}] retry: Retry in" in system.log()


def test_out_of_memory_is_not_tried_again(system):
    fault(system, fault="out_of_memory", model="tiny2")
    before = system.ollama.stats()["requests"]["/api/generate"]

    answer = system.application.warmup("tiny2")

    assert answer["error"] == "OutOfMemory"
    assert system.ollama.stats()["requests"]["/api/generate"] == before + 1


def test_every_key_in_redis_carries_the_namespace(system):
    system.application.warmup("tiny")

    with Redis.from_url(system.broker_url, decode_responses=True) as redis:
        keys = set(redis.scan_iter("*"))

    assert keys
    assert {key for key in keys if not key.startswith("tests:")} == set()


def test_a_gentle_call_that_failed_is_not_tried_again(system):
    fault = {"fault": "queue_full", "path": "/api/generate", "times": 1}
    system.ollama.post("/_sim/faults", **fault)

    answer = system.application.warmup("tiny", kwargs={"gentle": True})

    assert answer["error"] == "OllamaBusy"
    assert system.ollama.resident() == {}


def test_a_gentle_call_leaves_what_is_loaded_with_other_options(system):
    system.ollama.post("/api/generate", model="tiny", options={"num_ctx": 1024})
    loads = system.ollama.loads()

    answer = system.application.warmup("tiny?num_ctx=2048", kwargs={"gentle": True})

    assert answer["result"]["outcome"] == "drifted"
    assert answer["result"]["context_length"] == 1024
    assert system.ollama.loads() == loads
