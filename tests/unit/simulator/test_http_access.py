"""Origins, hosts and methods that are served.

Sources: gin-contrib/cors; gin; `server/routes.go`.
"""

import hashlib

import pytest

HERE = "http://localhost:3000"
ZEROS = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost", 200),
        ("https://localhost:8443", 200),
        ("http://127.0.0.1:5000", 200),
        ("http://0.0.0.0", 200),
        ("app://x", 200),
        ("file://x", 200),
        ("tauri://x", 200),
        ("vscode-webview://x", 200),
        ("vscode-file://x", 200),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("chrome-extension://abc", 403),
        ("null", 403),
    ],
)
def test_a_page_of_a_foreign_origin_may_not_call(api, origin, status):
    answer = api.get("/api/version", headers={"Origin": origin})

    assert answer.status_code == status
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == (origin if status == 200 else None)


def test_a_page_of_the_server_itself_is_served_without_cors_headers(api):
    answer = api.get("/", headers={"Origin": str(api.base_url)})

    assert answer.status_code == 200
    assert "vary" not in answer.headers


def test_a_preflight_is_answered_on_any_path(api):
    answer = api.options("/api/nope", headers={"Origin": HERE})

    assert (answer.status_code, answer.text) == (204, "")
    assert answer.headers["access-control-allow-methods"].startswith("GET,POST")
    assert answer.headers["vary"].startswith("Origin")


@pytest.mark.parametrize(
    ("method", "path", "host", "status", "allow"),
    [
        ("OPTIONS", "/api/version", "127.0.0.1", 405, "HEAD, GET"),
        ("OPTIONS", "/api/version", "localhost", 204, "HEAD, GET"),
        ("OPTIONS", "/api/version", "evil", 403, "HEAD, GET"),
        ("OPTIONS", "/api/nope", "127.0.0.1", 404, None),
        ("GET", "/api/generate", "127.0.0.1", 405, "POST"),
        ("PUT", "/api/blobs/x", "127.0.0.1", 405, "HEAD, POST"),
        ("DELETE", "/v1/models/x", "127.0.0.1", 405, "GET"),
        ("GET", "/api/version", "[::1]", 403, None),
        ("GET", "/api/version", "[fd00::1]", 403, None),
        ("GET", "/api/version", "[fd00::1]:80", 200, None),
        ("GET", "/api/ps/", "evil", 301, None),
    ],
)
def test_a_refused_method_names_the_allowed_ones(
    api, method, path, host, status, allow
):
    answer = api.request(method, path, headers={"Host": host})

    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)


def test_blobs_are_known_by_their_digest(api):
    shown = api.post("/api/show", json={"model": "tiny"}).json()["modelfile"]
    digest = shown.split("/blobs/")[1][:71]

    known = [digest, digest.replace("-", ":"), ZEROS, "x", "sha256:abc"]
    statuses = [api.head(f"/api/blobs/{each}").status_code for each in known]

    assert statuses == [200, 200, 404, 400, 400]


def test_an_upload_has_to_have_its_digest(api):
    digest = "sha256:" + hashlib.sha256(b"hi").hexdigest()

    assert api.post(f"/api/blobs/{digest}", content=b"hi").status_code == 201
    wrong = api.post(f"/api/blobs/{ZEROS}", content=b"hi")
    assert wrong.status_code == 400
    assert wrong.json()["error"].startswith(f'digest mismatch, expected "{ZEROS}", got')
    bad = api.post("/api/blobs/x", content=b"hi")
    assert bad.json() == {"error": "invalid digest format"}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 400, "model is required"),
        ({"model": "a b"}, 500, "unqualified name: registry.ollama.ai/library/a b:"),
        ({"model": "nope"}, 500, "open /root/.ollama/models/manifests/registry"),
    ],
)
def test_a_push_of_a_missing_model_fails(api, body, status, told):
    answer = api.post("/api/push", json={**body, "stream": False})

    assert answer.status_code == status
    assert answer.json()["error"].startswith(told)


def test_a_failing_push_streams_how_far_it_came(api):
    lines = api.post("/api/push", json={"model": "nope"}).text.splitlines()

    assert lines[:2] == [
        '{"status":"retrieving manifest"}',
        '{"status":"couldn\'t retrieve manifest"}',
    ]


@pytest.mark.parametrize(
    ("path", "body", "has_charset"),
    [
        ("/api/generate", {"model": "tiny", "stream": False}, True),
        ("/api/create", {"model": "zz", "from": "tiny", "stream": False}, False),
        ("/api/create", {"model": "a b"}, True),
        ("/v1/completions", {"model": "tiny", "prompt": "x", "max_tokens": 1}, False),
        ("/v1/completions", {"model": "nope"}, False),
        ("/v1/chat/completions", {}, True),
    ],
)
def test_only_gins_own_json_names_its_charset(api, path, body, has_charset):
    kind = api.post(path, json=body).headers["content-type"]

    assert kind == "application/json" + ("; charset=utf-8" if has_charset else "")
