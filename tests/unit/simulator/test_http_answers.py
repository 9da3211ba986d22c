"""Word for word what Ollama 0.33 answers. Sources: the handlers of `server/`."""

import json

import pytest

GENERATE, CHAT, EMBED = "/api/generate", "/api/chat", "/api/embed"
OLD, V1 = "/api/embeddings", "/v1/chat/completions"
HI = [{"role": "user", "content": "hi"}]
NO_REGISTRY = 'pull model manifest: Get "https://registry.ollama.ai/v2/library/'


def test_a_generation_streams_a_line_a_token_and_a_last_one(api):
    body = {"model": "tiny", "prompt": "hi", "options": {"num_predict": 2}}

    answer = api.post(GENERATE, json=body)

    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["done"] for line in lines] == [False, False, True]
    assert lines[-1]["done_reason"] == "length"
    assert lines[-1]["eval_count"] == 2
    assert lines[-1]["prompt_eval_count"] == 3
    assert len(lines[-1]["context"]) == 4


def test_a_chat_counts_the_frame_around_its_messages(api):
    body = {"model": "tiny", "messages": HI, "max_tokens": 1}

    native = api.post(CHAT, json={**body, "options": {"num_predict": 1}})
    openai = api.post(V1, json=body)

    assert json.loads(native.text.splitlines()[-1])["prompt_eval_count"] == 53
    assert openai.json()["usage"]["prompt_tokens"] == 53


def test_a_bad_template_is_refused_after_the_load_and_a_good_one_is_used(api):
    body = {"model": "tiny2", "prompt": "ok", "stream": False}
    body["options"] = {"num_predict": 1}

    bad = api.post(GENERATE, json={**body, "template": "{{"})
    good = api.post(GENERATE, json={**body, "template": "{{ .Prompt }}!"})

    assert bad.json() == {"error": "template: :1: unclosed action"}
    assert (bad.status_code, len(_rows(api, "tiny2:latest"))) == (500, 1)
    assert good.json()["prompt_eval_count"] == 4


def test_a_doubled_key_of_options_adds_to_the_first(api):
    options = '"options":{"num_ctx":2048},"OPTIONS":{"num_thread":1}'

    api.post(GENERATE, content=f'{{"model":"tiny3",{options}}}')

    assert _rows(api, "tiny3:latest")[0]["context_length"] == 2048


def test_without_a_limit_a_generation_stops_by_itself(demo):
    body = {"model": "llama3:8b", "messages": HI, "stream": False}

    answer = demo.post(CHAT, json=body)

    assert answer.json()["done_reason"] == "stop"
    assert answer.json()["message"]["role"] == "assistant"


def test_a_thinking_model_thinks_first_unless_told_not_to(demo):
    body = {"model": "qwen3:4b", "prompt": "x", "stream": False}
    body["options"] = {"num_predict": 1}

    thinking = demo.post(GENERATE, json=body).json()
    silent = demo.post(GENERATE, json={**body, "think": False}).json()

    assert (thinking["response"], thinking["thinking"]) == ("", " the")
    assert silent["response"] == " the"


def test_embeddings_are_unit_vectors_that_depend_on_the_text(demo):
    body = {"model": "nomic-embed-text", "input": ["a", "b", "a"]}

    answer = demo.post(EMBED, json=body).json()

    first, second, third = answer["embeddings"]
    assert first == third != second
    assert sum(x * x for x in first) == pytest.approx(1, abs=1e-4)
    assert len(first) == 768
    assert answer["prompt_eval_count"] == 6


def test_show_answers_capabilities_context_and_the_blob(demo):
    shown = demo.post("/api/show", json={"model": "llava:7b"}).json()

    assert shown["capabilities"] == ["completion", "vision"]
    assert shown["model_info"]["general.architecture"] == "llama"
    assert shown["model_info"]["llama.context_length"] == 32768
    assert "\nFROM /root/.ollama/models/blobs/sha256-" in shown["modelfile"]


def test_show_answers_the_parameters_of_a_child(api):
    shown = api.post("/api/show", json={"model": "child"}).json()

    assert shown["parameters"].split() == ["num_ctx", "512"]
    assert "PARAMETER num_ctx 512\n" in shown["modelfile"]


def test_a_cloud_stub_is_shown_with_its_remote_but_not_served(demo):
    name = {"model": "gpt-oss:120b-cloud"}

    shown = demo.post("/api/show", json=name).json()
    refused = demo.post(GENERATE, json=name)

    assert shown["remote_host"] == "https://ollama.com:443"
    assert shown["remote_model"] == "gpt-oss:120b"
    assert refused.status_code == 401
    assert refused.json()["error"] == "unauthorized"


def test_a_model_on_a_gpu_is_in_vram_and_on_the_cpu_when_asked_for(demo):
    demo.post(GENERATE, json={"model": "llama3:8b"})
    [on_gpu] = _rows(demo, "llama3:8b")
    demo.post(GENERATE, json={"model": "llama3:8b", "options": {"num_gpu": 0}})
    [on_cpu] = _rows(demo, "llama3:8b")

    assert (on_gpu["size"], on_gpu["size_vram"]) == (4_700_000_000, 4_700_000_000)
    assert on_cpu["size_vram"] == 0


def test_a_pull_streams_its_progress_and_installs_the_model(demo):
    demo.request("DELETE", "/api/delete", json={"model": "llava:7b"})
    gone = demo.post("/api/show", json={"model": "llava:7b"}).status_code

    lines = demo.post("/api/pull", json={"model": "llava:7b"}).text.splitlines()

    assert gone == 404
    assert json.loads(lines[0]) == {"status": "pulling manifest"}
    assert json.loads(lines[1])["total"] == 4_700_000_000
    assert json.loads(lines[-1]) == {"status": "success"}
    assert demo.post("/api/show", json={"model": "llava:7b"}).status_code == 200


def test_an_unknown_model_cannot_be_pulled(demo):
    answer = demo.post("/api/pull", json={"model": "nope", "stream": False})

    error = {"error": "pull model manifest: file does not exist"}
    assert (answer.status_code, answer.json()) == (500, error)


@pytest.mark.parametrize("path", ["/api/pull", "/api/create"])
def test_without_a_network_the_registry_cannot_be_reached(api, path):
    body = {"model": "nope", "from": "nope"}

    whole = api.post(path, json={**body, "stream": False})
    lines = api.post(path, json=body).text.splitlines()

    assert whole.status_code == 500
    assert whole.json()["error"].startswith(NO_REGISTRY)
    assert json.loads(lines[0]) == {"status": "pulling manifest"}
    assert json.loads(lines[1])["error"].startswith(NO_REGISTRY)


def test_a_created_child_and_a_copy_share_the_weights(api):
    parameters = {"num_ctx": 1024}
    child = {"model": "made", "from": "tiny", "parameters": parameters}
    assert api.post("/api/create", json={**child, "stream": False}).is_success
    copied = api.post("/api/copy", json={"source": "made", "destination": "COPY"})
    assert copied.is_success

    froms = [
        api.post("/api/show", json={"model": name})
        .json()["modelfile"]
        .split("FROM /")[1]
        for name in ("tiny", "made", "copy")
    ]

    assert len({text.splitlines()[0] for text in froms}) == 1
    for name in ("made", "copy"):
        assert api.request("DELETE", "/api/delete", json={"model": name}).is_success


def test_tags_lists_the_installed_models(api):
    rows = api.get("/api/tags").json()["models"]

    tiny = next(row for row in rows if row["name"] == "tiny:latest")
    assert tiny["capabilities"] == ["completion"]
    assert tiny["size"] == 250_000


def _rows(api, name):
    return [m for m in api.get("/api/ps").json()["models"] if m["name"] == name]
