"""Word for word how Ollama 0.33 refuses. Sources: the handlers of `server/`."""

import pytest

GENERATE, CHAT, EMBED = "/api/generate", "/api/chat", "/api/embed"
OLD, V1 = "/api/embeddings", "/v1/chat/completions"
TINY = "registry.ollama.ai/library/tiny:latest"
NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"
NO_CLOUD = "ollama cloud is disabled: remote model is unavailable"
NO_DETAILS = "ollama cloud is disabled: remote model details are unavailable"
BOTH = 'use either :local or :cloud, not both: "tiny:local:cloud"'


ERRORS = [
    (GENERATE, {"model": "nope"}, 404, "model 'nope' not found"),
    (GENERATE, {}, 404, "model '' not found"),
    (GENERATE, {"model": " "}, 404, "model ' ' not found"),
    (GENERATE, {"model": "a b"}, 400, "invalid model name"),
    (GENERATE, {"model": "tiny:local:cloud"}, 400, BOTH),
    (GENERATE, {"model": "tiny:cloud"}, 403, NO_CLOUD),
    (GENERATE, {"model": "embedder"}, 400, '"embedder" does not support generate'),
    (
        GENERATE,
        {"model": "tiny", "think": True},
        400,
        '"tiny" does not support thinking',
    ),
    (
        GENERATE,
        {"model": "tiny", "suffix": "x"},
        400,
        f"{TINY} does not support insert",
    ),
    (
        GENERATE,
        {"model": "tiny", "raw": True, "system": "x"},
        400,
        "raw mode does not support template, system, or context",
    ),
    (
        GENERATE,
        {"model": "tiny", "top_logprobs": 21},
        400,
        "top_logprobs must be between 0 and 20",
    ),
    (
        GENERATE,
        {"model": "tiny", "options": {"num_ctx": "x"}},
        500,
        'option "num_ctx" must be of type integer',
    ),
    (
        GENERATE,
        {"model": "tiny", "prompt": "x", "format": "xml", "stream": False},
        500,
        'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object',
    ),
    (
        GENERATE,
        {"model": "tiny", "prompt": "x", "format": 5, "stream": False},
        500,
        'invalid format: "5"; expected "json" or a valid JSON Schema object',
    ),
    (CHAT, {"model": "nope"}, 404, "model 'nope' not found"),
    (CHAT, {}, 400, "model is required"),
    (CHAT, {"model": "a b"}, 400, "invalid model name"),
    (CHAT, {"model": "embedder"}, 400, '"embedder" does not support chat'),
    (CHAT, {"model": "tiny", "tools": [{}]}, 400, f"{TINY} does not support tools"),
    (EMBED, {"model": "nope"}, 404, 'model "nope" not found, try pulling it first'),
    (EMBED, {}, 404, "model '' not found"),
    (EMBED, {"model": "tiny", "input": 3}, 400, "invalid input type"),
    (EMBED, {"model": "tiny", "input": ["x", 3]}, 400, "invalid input type"),
    (EMBED, {"model": "nope", "input": {}}, 400, "invalid input type"),
    (EMBED, {"model": "tiny", "input": "x"}, 501, NO_EMBEDDINGS),
    (EMBED, {"model": "tiny", "input": [""]}, 501, NO_EMBEDDINGS),
    (
        EMBED,
        {"model": "embedder", "input": "x" * 9999, "truncate": False},
        400,
        "the input length exceeds the context length",
    ),
    (OLD, {}, 400, "model is required"),
    (OLD, {"model": "TINY"}, 404, 'model "TINY" not found, try pulling it first'),
    (OLD, {"model": "tiny", "prompt": "x"}, 500, NO_EMBEDDINGS),
    ("/api/show", {}, 400, "model is required"),
    ("/api/show", {"model": "a b"}, 400, "invalid model name"),
    ("/api/show", {"model": "nope"}, 404, "model 'nope:latest' not found"),
    ("/api/show", {"model": "x:cloud"}, 403, NO_DETAILS),
    ("/api/copy", {}, 400, 'source "" is invalid'),
    ("/api/copy", {"source": "x"}, 400, 'destination "" is invalid'),
    ("/api/copy", {"source": "t\\x"}, 400, 'source "t\\\\x" is invalid'),
    ("/api/copy", {"source": "x", "destination": "y"}, 404, 'model "x" not found'),
    ("/api/create", {}, 400, "invalid model name"),
    ("/api/create", {"model": "m"}, 400, "neither 'from' or 'files' was specified"),
    ("/api/create", {"model": "m", "from": "a b"}, 400, "invalid model name"),
    ("/api/pull", {}, 400, "invalid model name"),
    ("/api/pull", {"model": "tiny:local:cloud"}, 400, BOTH),
]


@pytest.mark.parametrize(("path", "body", "status", "text"), ERRORS)
def test_a_refusal_has_ollamas_status_and_words(api, path, body, status, text):
    answer = api.post(path, json=body)

    assert (answer.status_code, answer.json()) == (status, {"error": text})


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"model": "m"}, 404, "model 'm' not found"),
        ({}, 400, "model is required"),
        ({"model": "a b"}, 400, 'name "a b" is invalid'),
    ],
)
def test_deleting_a_missing_model_is_refused(api, body, status, text):
    answer = api.request("DELETE", "/api/delete", json=body)

    assert (answer.status_code, answer.json()) == (status, {"error": text})


@pytest.mark.parametrize("path", [GENERATE, CHAT, EMBED, OLD, "/api/show", "/api/pull"])
def test_an_empty_body_is_missing(api, path):
    answer = api.post(path)

    assert answer.json() == {"error": "missing request body"}
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/", 200, "Ollama is running"),
        ("HEAD", "/", 200, ""),
        ("HEAD", "/api/tags", 200, ""),
        ("GET", "/api/nope", 404, "404 page not found"),
        ("GET", GENERATE, 405, "405 method not allowed"),
        ("POST", "/api/ps", 405, "405 method not allowed"),
        ("HEAD", "/api/ps", 405, ""),
        ("OPTIONS", "/api/ps", 405, "405 method not allowed"),
    ],
)
def test_routes_and_methods_are_those_of_ollama(api, method, path, status, text):
    answer = api.request(method, path)

    assert (answer.status_code, answer.text) == (status, text)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:9", 200),
        ("10.1.2.3", 200),
        ("[::1]:9", 200),
        ("0.0.0.0", 200),
        ("gpu.internal", 200),
        ("x.localhost:80", 200),
        ("evil.example", 403),
        ("8.8.8.8", 403),
        ("localhost.evil.example", 403),
    ],
)
def test_a_foreign_host_header_is_refused_with_an_empty_body(api, host, status):
    answer = api.get("/api/version", headers={"Host": host})

    assert answer.status_code == status
    assert status == 200 or answer.text == ""


@pytest.mark.parametrize(
    ("method", "path", "status", "location"),
    [
        ("GET", "/api/ps/", 301, "/api/ps"),
        ("POST", "/api/generate/", 307, "/api/generate"),
        ("POST", "/api/ps/", 404, None),
        ("GET", "/api/nope/", 404, None),
    ],
)
def test_a_trailing_slash_is_redirected(api, method, path, status, location):
    answer = api.request(method, path)

    assert (answer.status_code, answer.headers.get("location")) == (status, location)
