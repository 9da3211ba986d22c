"""What is sent to warm a model, and what proves it."""

import json
import math

import httpx
import pytest

from ollama_warmup import errors
from ollama_warmup.request import RunnerOptions
from tests.support.answering import answers, infer, ollama_that


def test_an_inference_sends_exactly_the_runner_options_and_one_token():
    sent = []

    def answer(request):
        sent.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={"model": "m", "done": True})

    options = RunnerOptions(num_ctx=512, use_mmap=False, shift=True)
    infer(ollama_that(answer), options=options, keep_alive_s=1800.0)

    assert sent == [
        (
            "/api/generate",
            {
                "model": "m",
                "prompt": "ok",
                "raw": True,
                "stream": False,
                "shift": True,
                "keep_alive": 1800.0,
                "options": {"num_ctx": 512, "use_mmap": False, "num_predict": 1},
            },
        )
    ]


def test_an_inference_without_a_keep_alive_sends_none():
    sent = []

    def answer(request):
        sent.append(json.loads(request.content))
        return httpx.Response(200, json={"embeddings": [[0.1]]})

    infer(ollama_that(answer), embed=True)

    assert sent == [{"model": "m", "input": "ok", "options": {}}]


@pytest.mark.parametrize(
    ("body", "embed"),
    [
        ({"model": "", "created_at": "0001-01-01T00:00:00Z", "done": False}, False),
        ({"model": "m", "done": False}, False),
        ({"model": "m", "done": True, "error": "x"}, False),
        ({"model": "m", "embeddings": []}, True),
    ],
)
def test_a_200_that_ended_early_is_a_failure(body, embed):
    with pytest.raises(errors.LoadFailed, match="ended early"):
        infer(answers(200, json=body), embed=embed)


def sent_by(**kwargs):
    """Where an inference is sent, and as what."""
    sent = []

    def answer(request):
        sent.append((request.url.path, json.loads(request.content)))
        return httpx.Response(
            200, json={"model": "m", "done": True, "embeddings": [[0.1]]}
        )

    infer(ollama_that(answer), **kwargs)
    return sent[0]


def test_a_keep_alive_for_ever_is_sent_as_the_number_that_ollama_reads_so():
    _path, body = sent_by(keep_alive_s=math.inf)

    assert body["keep_alive"] == -1


def test_a_prompt_as_sample_is_sent_with_the_models_template():
    options = RunnerOptions(num_ctx=512, shift=False)

    assert sent_by(sample="Hello", options=options, keep_alive_s=60.0) == (
        "/api/generate",
        {
            "model": "m",
            "prompt": "Hello",
            "stream": False,
            "shift": False,
            "keep_alive": 60.0,
            "options": {"num_ctx": 512, "num_predict": 1},
        },
    )


MESSAGES = (("system", "Be brief."), ("user", "Hello"))


def test_messages_as_sample_are_sent_as_a_chat():
    options = RunnerOptions(num_ctx=512, shift=False)

    assert sent_by(sample=MESSAGES, options=options) == (
        "/api/chat",
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
            ],
            "stream": False,
            "shift": False,
            "options": {"num_ctx": 512, "num_predict": 1},
        },
    )


@pytest.mark.parametrize(
    ("sample", "text"), [("Hello", "Hello"), (MESSAGES, "Be brief.\nHello")]
)
def test_an_embedding_model_is_sent_the_text_of_its_sample(sample, text):
    assert sent_by(sample=sample, embed=True) == (
        "/api/embed",
        {"model": "m", "input": text, "options": {}},
    )


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "done": False},
        {"model": "", "done": True},
        {"model": "m", "message": {"role": "assistant", "content": "x"}},
        {"model": "m", "done": True, "error": "x"},
    ],
)
def test_a_chat_that_ended_early_is_a_failure(body):
    with pytest.raises(errors.LoadFailed, match="ended early"):
        infer(answers(200, json=body), sample=MESSAGES)


def test_an_error_does_not_show_the_sample():
    def answer(_):
        raise httpx.ReadError("cut")

    with pytest.raises(errors.OllamaUnreachable) as caught:
        infer(ollama_that(answer), sample="hunter2")

    assert "hunter2" not in str(caught.value)
