"""Which resident is the wanted model, asked of a server that answers over HTTP."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest


def generate(system, model, **body):
    answer = system.ollama.post("/api/generate", model=model, stream=False, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def alias(system):
    system.ollama.post("/api/copy", source="tiny", destination="nick")
    yield "nick"
    system.ollama.delete("/api/delete", model="nick")


def test_an_alias_is_warm_when_its_model_is_resident_under_another_name(system, alias):
    system.application.warmup("tiny")

    assert system.application.warmup(alias)["result"]["outcome"] == "already_warm"


@pytest.mark.parametrize("form", ["TINY", "library/tiny", "tiny:latest"])
def test_every_form_of_a_name_is_the_same_model(system, form):
    system.application.warmup("tiny")

    assert system.application.warmup(form)["result"]["outcome"] == "already_warm"


def test_a_child_is_not_warm_because_its_parent_is(system):
    system.application.warmup("tiny")

    result = system.application.warmup("child")["result"]

    assert result["outcome"] == "loaded"
    assert result["context_length"] == 512
    assert result["reloaded_from"] == 4096


def test_a_context_beyond_the_training_is_warm_when_clipped(system):
    first = system.application.warmup("tiny?num_ctx=999999")["result"]
    second = system.application.warmup("tiny?num_ctx=999999")["result"]

    assert first["context_length"] == 8192
    assert first["outcome"] == "loaded"
    assert second["outcome"] == "already_warm"


def test_options_that_a_view_hides_are_proven_by_an_inference(system):
    loads = system.ollama.loads()
    generate(system, "tiny")

    first = system.application.warmup("tiny?num_thread=1")["result"]
    second = system.application.warmup("tiny?num_thread=1")["result"]

    assert first["outcome"] == "loaded"
    assert second["outcome"] == "already_warm"
    assert system.ollama.loads() == loads + 2


def test_an_embedding_model_is_warmed_by_a_vector(system):
    before = system.ollama.stats()["requests"]

    result = system.application.warmup("embedder")["result"]

    after = system.ollama.stats()["requests"]
    assert result["outcome"] == "loaded"
    assert after["/api/embed"] == before.get("/api/embed", 0) + 1
    assert after.get("/api/generate") == before.get("/api/generate")


def test_a_model_without_a_timer_has_no_expiry(system):
    generate(system, "tiny", keep_alive=-1)

    assert system.application.warmup("tiny")["result"]["expires_at"] is None


def test_a_host_whose_clock_is_wrong_is_read_by_its_own_clock(system):
    system.ollama.post("/_sim/faults", fault="clock_skew", seconds=3600)

    result = system.application.warmup("tiny")["result"]

    left = datetime.fromisoformat(result["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=25) < left < timedelta(seconds=35)


def test_a_busy_model_is_not_reloaded_under_its_user(system):
    generate(system, "mid", prompt="ok", keep_alive=2, options={"num_predict": 1})
    work = {"prompt": "ok", "options": {"num_predict": 150}}
    answers = []
    user = threading.Thread(
        target=lambda: answers.append(generate(system, "mid", **work))
    )
    user.start()
    time.sleep(3.2)  # past its keep-alive, by a clock that tells whole seconds

    answer = system.application.warmup("mid?num_ctx=1024")
    user.join()

    assert f"[{answer['id']}] retry: Retry in" in system.log()
    assert "is busy on default" in system.log()
    assert answer["result"]["context_length"] == 1024
    assert answers[0]["eval_count"] == 150
