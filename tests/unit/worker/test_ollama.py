"""What a host tells: what is resident, and what a model is."""

import httpx
import pytest

from ollama_warmup import errors
from tests.support.answering import DATE, answers, ollama_that

ROW = {
    "name": "tiny:latest",
    "digest": "d1",
    "size": 200,
    "size_vram": 50,
    "context_length": 4096,
    "expires_at": "2026-11-23T09:05:00.123456789+01:00",
}


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
def test_a_malformed_answer_to_ps_is_refused(answer):
    with pytest.raises(errors.OllamaUnreachable, match="as no Ollama does"):
        answers(200, **answer).view()


def test_show_is_read_for_context_blob_and_kind_of_a_model():
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


def test_a_host_below_a_path_is_asked_there_each_time():
    sent = []

    def answer(request):
        sent.append((str(request.url), request.headers["authorization"]))
        return httpx.Response(200, json={"models": []}, headers={"date": DATE})

    ollama = ollama_that(answer, url="http://me:secret@gpu:1/ollama")
    ollama.view()
    ollama.view()

    told = ("http://me:secret@gpu:1/ollama/api/ps", "Basic bWU6c2VjcmV0")
    assert sent == [told, told]
