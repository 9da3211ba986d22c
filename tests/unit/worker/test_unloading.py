import json

import httpx
import pytest

from ollama_warmup import request
from ollama_warmup.errors import OllamaUnreachable
from ollama_warmup.target import Target
from worker import unloading
from worker.adapters.ollama import Ollama
from worker.unloading import Left

NOW = "Mon, 23 Nov 2026 08:00:00 GMT"


class Clock:
    """Time that passes when somebody sleeps."""

    now_s = 0.0

    def monotonic(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


class Host:
    """An Ollama with one resident, that goes some views after it is told to."""

    def __init__(self, *, name="m:latest", digest="d1", views=3, then="07:59:59"):
        self.row = {"name": name, "digest": digest, "size": 1, "size_vram": 1}
        self.expires, self.then = "08:05:00", then
        self.views, self.is_told, self.asked = views, False, []
        self.ollama = Ollama("gpu-1", "http://g", transport=httpx.MockTransport(self))

    def __call__(self, request):
        path = request.url.path
        if path == "/api/ps":
            return httpx.Response(200, json=self.ps(), headers={"date": NOW})
        if path == "/api/tags":
            rows = [{"name": n, "digest": "d1"} for n in ("m:latest", "alias:latest")]
            return httpx.Response(200, json={"models": rows})
        if path == "/api/show":
            return httpx.Response(404, json={"error": "model 'x' not found"})
        self.asked.append(json.loads(request.content))
        self.is_told, self.expires = True, self.then
        return httpx.Response(200, json={"done": True})

    def ps(self):
        self.views -= self.is_told
        row = self.row | {"expires_at": f"2026-11-23T{self.expires}Z"}
        return {"models": [row] if self.views > 0 else []}


def unload(host, model="m"):
    target = Target.of(request.parse(model), host="gpu-1")
    clock = Clock()
    ended = unloading.unload(target, ollama=host.ollama, clock=clock)
    return ended.left, ended.resident and ended.resident.name, clock.now_s


@pytest.mark.parametrize("model", ["m", "alias"])
def test_a_model_is_let_go_under_the_name_by_which_it_is_resident(model):
    host = Host()

    left, resident, took_s = unload(host, model)

    assert (left, resident) == (Left.UNLOADED, "m:latest")
    assert host.asked == [{"model": "m:latest", "keep_alive": 0, "stream": False}]
    assert took_s < 2


@pytest.mark.parametrize("model", ["other", "m"])
def test_what_is_not_loaded_is_not_asked_for(model):
    host = Host(views=0 if model == "m" else 3)

    assert unload(host, model) == (Left.NOT_LOADED, None, 0)
    assert host.asked == []


@pytest.mark.parametrize(
    ("then", "left"), [("07:59:59", Left.GOING), ("08:05:00", Left.STILL_LOADED)]
)
def test_what_does_not_go_is_waited_for_ten_seconds(then, left):
    ended, resident, took_s = unload(Host(views=10_000, then=then))

    assert (ended, resident) == (left, "m:latest")
    assert took_s == pytest.approx(10, abs=0.3)


def test_a_host_that_is_away_is_said_so():
    def answer(_):
        raise httpx.ConnectError("refused")

    host = Host()
    host.ollama = Ollama("gpu-1", "http://g", transport=httpx.MockTransport(answer))

    with pytest.raises(OllamaUnreachable):
        unload(host)
