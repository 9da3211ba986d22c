"""A host's token is sent to that host alone."""

import httpx
import pytest

from ollama_warmup import errors
from tests.support.answering import DATE, infer, ollama_that


def test_a_token_is_made_anew_for_every_request():
    tokens = iter(["one", "two"])
    seen = []

    def answer(request):
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"models": []}, headers={"date": DATE})

    ollama = ollama_that(
        answer, authorization=lambda: {"Authorization": f"Bearer {next(tokens)}"}
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

    ollama = ollama_that(
        answer, authorization=lambda: {"Authorization": "Bearer hunter2"}
    )

    with pytest.raises(errors.WarmupError):
        infer(ollama)

    assert seen == ["gpu"]


def test_a_pull_takes_the_token_to_its_own_host_and_follows_no_redirect():
    seen = []

    def answer(request):
        seen.append((request.url.host, request.headers.get("authorization")))
        return httpx.Response(302, headers={"location": "http://elsewhere/api/pull"})

    ollama = ollama_that(
        answer, authorization=lambda: {"Authorization": "Bearer hunter2"}
    )

    with ollama.pull("tiny") as download:
        assert download.wait(2)
        with pytest.raises(errors.WarmupError):
            download.check()

    assert seen == [("gpu", "Bearer hunter2")]


def test_a_secret_that_is_not_set_is_refused_before_a_request_is_sent():
    sent = []

    def answer(request):
        sent.append(request.url)
        return httpx.Response(200, json={"models": []}, headers={"date": DATE})

    def authorization():
        raise errors.BadSettings("OLLAMA_WARMUP_SECRET_GPU is not set")

    ollama = ollama_that(answer, authorization=authorization)

    with pytest.raises(errors.BadSettings, match="is not set"):
        ollama.view()

    assert sent == []
