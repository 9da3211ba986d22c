"""What a failure of a host is to us."""

import httpx
import pytest

from ollama_warmup import errors
from tests.support.answering import answers, infer, ollama_that


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (404, "model 'm' not found", errors.UnknownModel),
        (404, 'model "m" not found, try pulling it first', errors.UnknownModel),
        (400, '"m" does not support generate', errors.Refused),
        (400, "invalid model name", errors.Refused),
        (403, "ollama cloud is disabled: remote model is unavailable", errors.Refused),
        (401, "unauthorized", errors.Refused),
        (500, 'option "num_ctx" must be of type integer', errors.Refused),
        (500, "x: this model may be incompatible with your version", errors.Refused),
        (500, "error starting llama-server: binary not found", errors.Refused),
        (501, "This server does not support embeddings", errors.Refused),
        (
            503,
            "server busy, please try again.  maximum pending requests exceeded",
            errors.OllamaBusy,
        ),
        (502, "bad gateway", errors.OllamaUnreachable),
        (504, "gateway time-out", errors.OllamaUnreachable),
        (499, "request canceled", errors.LoadFailed),
        (500, "timed out waiting for llama-server to start - x", errors.LoadFailed),
        (500, "something new", errors.LoadFailed),
        (
            500,
            "llama-server process has terminated: exit status 2: x",
            errors.RunnerTerminated,
        ),
        (
            500,
            "model runner has unexpectedly stopped, this may be due to resource",
            errors.RunnerTerminated,
        ),
        (
            500,
            "llama-server process has terminated: cudaMalloc failed: out of memory",
            errors.OutOfMemory,
        ),
        (
            500,
            "model requires more system memory (9 GiB) than is available (3 GiB)",
            errors.OutOfMemory,
        ),
        (
            500,
            "model requires 9 GiB but only 3 GiB are available (after 1 GiB overhead)",
            errors.OutOfMemory,
        ),
    ],
)
def test_a_failure_is_our_error_with_ollamas_own_words(status, text, error):
    with pytest.raises(error) as caught:
        infer(answers(status, json={"error": text}))

    assert type(caught.value) is error
    assert text in str(caught.value)
    assert "gpu-1" in str(caught.value)


def test_an_unknown_model_names_the_command_to_type():
    with pytest.raises(errors.UnknownModel, match="run `ollama pull m` there"):
        infer(answers(404, json={"error": "model 'm' not found"}))


def test_a_missing_path_of_a_server_is_refused_and_not_an_unknown_model():
    with pytest.raises(errors.Refused, match="404 page not found"):
        answers(404, text="404 page not found").view()


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout(""),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_no_answer_is_unreachable_and_hides_the_password(failure):
    def answer(_):
        raise failure

    ollama = ollama_that(answer, url="http://me:secret@gpu:1")

    with pytest.raises(errors.OllamaUnreachable, match="is Ollama running") as caught:
        ollama.view()

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is failure


def test_a_view_that_is_not_answered_in_time_is_unreachable():
    def answer(_):
        raise httpx.ReadTimeout("")

    with pytest.raises(errors.OllamaUnreachable, match="within 15 s"):
        ollama_that(answer).view()


def test_a_load_that_does_not_end_in_time_has_reached_its_ceiling():
    def answer(_):
        raise httpx.ReadTimeout("")

    with pytest.raises(errors.LoadTimeout, match="within 7 s"):
        infer(ollama_that(answer), ceiling_s=7)
