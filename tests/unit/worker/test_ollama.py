import json
import math

import httpx
import pytest

from ollama_warmup import errors
from ollama_warmup.request import RunnerOptions
from worker.adapters.ollama import Ollama

DATE = "Mon, 23 Nov 2026 08:00:00 GMT"
ROW = {
    "name": "tiny:latest",
    "digest": "d1",
    "size": 200,
    "size_vram": 50,
    "context_length": 4096,
    "expires_at": "2026-11-23T09:05:00.123456789+01:00",
}


def ollama_that(answer):
    return Ollama("gpu-1", "http://gpu:11434", transport=httpx.MockTransport(answer))


def answers(status, **kwargs):
    return ollama_that(lambda _: httpx.Response(status, **kwargs))


def infer(ollama, **kwargs):
    wanted = {"options": RunnerOptions(), "keep_alive_s": None, "embed": False}
    return ollama.infer("m", **(wanted | kwargs))


def test_a_view_reads_instants_by_the_hosts_own_clock():
    view = answers(200, json={"models": [ROW]}, headers={"date": DATE}).view()

    (resident,) = view.residents
    assert view.left(resident).total_seconds() == pytest.approx(300.123456)
    assert resident.vram_fraction == 0.25
    assert resident.context_length == 4096


def test_a_view_of_an_old_server_has_no_context():
    row = {k: v for k, v in ROW.items() if k != "context_length"}

    view = answers(200, json={"models": [row]}, headers={"date": DATE}).view()

    assert view.residents[0].context_length is None


def test_a_keep_alive_for_ever_is_an_instant_far_ahead():
    row = ROW | {"expires_at": "2318-03-05T09:48:25.1234567+02:00"}

    view = answers(200, json={"models": [row]}, headers={"date": DATE}).view()

    assert view.left(view.residents[0]).days > 100_000


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"models": [ROW]}},
        {"json": {"models": [{"name": "x"}]}, "headers": {"date": DATE}},
        {"json": [], "headers": {"date": DATE}},
        {"text": "<html>login</html>", "headers": {"date": DATE}},
    ],
    ids=["no date", "half a row", "a list", "a page"],
)
def test_an_answer_that_is_no_view_says_so(answer):
    with pytest.raises(errors.OllamaUnreachable, match="as no Ollama does"):
        answers(200, **answer).view()


def test_show_tells_what_decides_a_warm_up():
    info = answers(
        200,
        json={
            "capabilities": ["completion", "vision"],
            "model_info": {
                "general.architecture": "llama",
                "llama.context_length": 8192,
            },
            "modelfile": f"# x\nFROM /m/blobs/sha256-{'a' * 64}\nPARAMETER num_ctx 9\n",
            "parameters": "stop    x\nnum_ctx                        512",
        },
    ).show("m")

    assert info.training_context == 8192
    assert info.modelfile_num_ctx == 512
    assert info.blob == "sha256-" + "a" * 64
    assert not info.is_embedding_only
    assert not info.is_remote


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


def test_without_a_keep_alive_none_is_sent():
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


def test_an_unknown_model_tells_the_command_to_type():
    with pytest.raises(errors.UnknownModel, match="run `ollama pull m` there"):
        infer(answers(404, json={"error": "model 'm' not found"}))


def test_a_path_that_a_server_does_not_have_is_no_unknown_model():
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

    ollama = Ollama(
        "gpu-1", "http://me:secret@gpu:1", transport=httpx.MockTransport(answer)
    )

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
def test_a_chat_is_proven_as_a_prompt_is(body):
    with pytest.raises(errors.LoadFailed, match="ended early"):
        infer(answers(200, json=body), sample=MESSAGES)


def test_a_sample_is_in_no_error():
    def answer(_):
        raise httpx.ReadError("cut")

    with pytest.raises(errors.OllamaUnreachable) as caught:
        infer(ollama_that(answer), sample="hunter2")

    assert "hunter2" not in str(caught.value)


def test_a_token_is_made_anew_for_every_request():
    tokens = iter(["one", "two"])
    seen = []

    def answer(request):
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"models": []}, headers={"date": DATE})

    ollama = Ollama(
        "gpu-1",
        "http://gpu:11434",
        authorization=lambda: {"Authorization": f"Bearer {next(tokens)}"},
        transport=httpx.MockTransport(answer),
    )
    ollama.view()
    ollama.view()

    assert seen == ["Bearer one", "Bearer two"]


def test_without_a_token_no_authorization_is_sent():
    seen = []

    def answer(request):
        seen.append("authorization" in request.headers)
        return httpx.Response(200, json={"models": []}, headers={"date": DATE})

    ollama_that(answer).view()

    assert seen == [False]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_so_no_other_host_sees_the_token(status):
    seen = []

    def answer(request):
        seen.append(request.url.host)
        return httpx.Response(
            status, headers={"location": "http://elsewhere:11434/api/generate"}
        )

    ollama = Ollama(
        "gpu-1",
        "http://gpu:11434",
        authorization=lambda: {"Authorization": "Bearer hunter2"},
        transport=httpx.MockTransport(answer),
    )

    with pytest.raises(errors.WarmupError):
        infer(ollama)

    assert seen == ["gpu"]


def test_a_pull_takes_the_token_to_its_own_host_and_follows_no_redirect():
    seen = []

    def answer(request):
        seen.append((request.url.host, request.headers.get("authorization")))
        return httpx.Response(302, headers={"location": "http://elsewhere/api/pull"})

    ollama = Ollama(
        "gpu-1",
        "http://gpu:11434",
        authorization=lambda: {"Authorization": "Bearer hunter2"},
        transport=httpx.MockTransport(answer),
    )

    with ollama.pull("tiny") as download:
        assert download.wait(2)
        with pytest.raises(errors.WarmupError):
            download.check()

    assert seen == [("gpu", "Bearer hunter2")]


def test_a_secret_that_is_not_set_is_told_before_anything_is_sent():
    def authorization():
        raise errors.BadSettings("OLLAMA_WARMUP_SECRET_GPU is not set")

    ollama = Ollama(
        "gpu-1",
        "http://gpu:11434",
        authorization=authorization,
        transport=httpx.MockTransport(lambda _: httpx.Response(500)),
    )

    with pytest.raises(errors.BadSettings, match="is not set"):
        ollama.view()
