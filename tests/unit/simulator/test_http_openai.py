"""OpenAI's endpoints. Sources: `middleware/openai.go`; `openai/openai.go`."""

import json

import pytest

V1 = "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]
MISFIT = "json: cannot unmarshal number into Go struct field"
NO_CLOUD = "ollama cloud is disabled: remote model is unavailable"
BAD_EFFORT = (
    'invalid reasoning value: "x" (must be "minimal", "low", "medium", '
    '"high", "xhigh", "ultra", "max", or "none")'
)


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        ({"model": "x", "messages": HI}, 404, "not_found_error", "model 'x' not found"),
        (
            {"model": "tiny", "messages": []},
            400,
            "invalid_request_error",
            "[] is too short - 'messages'",
        ),
        (
            {"model": "tiny", "messages": [{"role": "user"}]},
            400,
            "invalid_request_error",
            "invalid message content type: <nil>",
        ),
        (
            {"model": "tiny", "messages": HI, "reasoning_effort": "x"},
            400,
            "invalid_request_error",
            BAD_EFFORT,
        ),
        (
            {"model": "tiny", "messages": [{"content": [{"type": "x"}]}]},
            400,
            "invalid_request_error",
            "invalid message format",
        ),
        (
            {"model": "tiny", "messages": HI, "top_logprobs": 30},
            400,
            "invalid_request_error",
            "top_logprobs must be between 0 and 20",
        ),
        (
            {"model": "tiny", "messages": [{"role": 5}]},
            400,
            "invalid_request_error",
            f"{MISFIT} Message.messages.role of type string",
        ),
        (
            {"model": 1},
            400,
            "invalid_request_error",
            f"{MISFIT} ChatCompletionRequest.model of type string",
        ),
    ],
)
def test_openai_errors_have_openais_shape(api, body, status, kind, text):
    answer = api.post(V1, json=body)

    error = {"message": text, "type": kind, "param": None, "code": None}
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_cloud_model_is_refused_natively_even_by_openais_endpoint(api):
    answer = api.post(V1, json={"model": "x:cloud", "messages": HI})

    assert (answer.status_code, answer.json()) == (403, {"error": NO_CLOUD})


def test_each_part_of_a_message_counts_as_one(api):
    parts = [{"type": "text", "text": text} for text in ("ab", "c")]
    body = {"model": "tiny", "messages": [{"role": "user", "content": parts}]}

    answer = api.post(V1, json={**body, "max_tokens": 1})

    assert answer.json()["usage"]["prompt_tokens"] == 82


def test_openais_chat_is_translated_whole_and_streamed(api):
    body = {"model": "tiny", "messages": HI, "max_tokens": 2}

    whole = api.post(V1, json=body).json()
    streamed = api.post(V1, json={**body, "stream": True}).text

    assert whole["choices"][0]["message"]["content"] == " the quick"
    assert whole["usage"]["completion_tokens"] == 2
    events = [line for line in streamed.splitlines() if line]
    assert events[-1] == "data: [DONE]"
    assert json.loads(events[-2][6:])["choices"][0]["finish_reason"] == "length"
