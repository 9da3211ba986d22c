import base64

import pytest

from worker.web.gate import Door, refusal

TOKEN = "s3cret:with-colon"  # noqa: S105 - of the tests
OPEN_DOOR, LOCKED_DOOR = Door(), Door(token=TOKEN)
LOCAL = {"host": "127.0.0.1:11480"}
JSON = {"content-type": "application/json"}


def status(method, path, headers, door=OPEN_DOOR):
    refused = refusal(method, path, headers, door=door)
    return refused.status if refused else None


def basic(password, user="me"):
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {login}"}


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:11480", "127.0.0.1:1", "127.9.9.9", "[::1]:11480"],
)
def test_loopback_is_served_under_its_own_names(host):
    assert status("GET", "/status", {"host": host}) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "10.0.0.5:11480", "localhost.evil.example", "[::1", "@", "::"],
)
@pytest.mark.parametrize("path", ["/", "/status", "/readyz", "/warmup"])
def test_a_foreign_name_that_means_loopback_is_not_served(host, path):
    assert status("GET", path, {"host": host}) == 421
    assert status("GET", "/healthz", {"host": host}) is None


def test_the_refusal_of_a_foreign_name_says_what_to_set():
    refused = refusal("GET", "/", {"host": "gpu.lan"}, door=OPEN_DOOR)

    assert refused
    assert "OLLAMA_WARMUP_WEB_TOKEN" in refused.why


@pytest.mark.parametrize("path", ["/", "/status", "/metrics", "/openapi.json", "/x"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Token {TOKEN}"},
        {"authorization": "Bearer"},
        {"authorization": "Basic !"},
        {"authorization": "Basic ä"},
        basic("wrong"),
        basic(""),
    ],
)
def test_without_the_token_only_health_routes_are_served(path, headers):
    refused = refusal("GET", path, {"host": "gpu.lan"} | headers, door=LOCKED_DOOR)

    assert refused
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "headers", [{"authorization": f"bearer {TOKEN}"}, basic(TOKEN), basic(TOKEN, "")]
)
def test_the_token_is_taken_as_a_bearer_or_as_the_password_of_any_user(headers):
    assert status("GET", "/", {"host": "gpu.lan"} | headers, LOCKED_DOOR) is None


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_routes_need_no_token(path):
    assert status("GET", path, {"host": "10.0.0.5"}, LOCKED_DOOR) is None


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/x", "//healthz", "/HEALTHZ"])
def test_a_path_that_only_looks_like_a_health_route_needs_the_token(path):
    assert status("GET", path, {"host": "10.0.0.5"}, LOCKED_DOOR) == 401


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"origin": "http://127.0.0.1:11480", "sec-fetch-site": "same-origin"}, None),
        ({"sec-fetch-site": "none"}, None),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8000"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": ""}, 415),
        ({"content-type": "Application/JSON; charset=utf-8"}, None),
    ],
)
@pytest.mark.parametrize("door", [OPEN_DOOR, LOCKED_DOOR], ids=["open", "locked"])
@pytest.mark.parametrize("path", ["/warmup", "/pause", "/resume"])
def test_a_foreign_page_changes_nothing(path, door, headers, code):
    asked = LOCAL | JSON | basic(TOKEN) | headers

    assert status("POST", path, asked, door) == code


def test_the_representation_of_the_door_does_not_show_the_token():
    assert TOKEN not in repr(LOCKED_DOOR)
