import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from ollama_warmup import request
from ollama_warmup.target import Target
from worker.adapters.ollama import Ollama
from worker.adapters.store import Store
from worker.loading import Loading
from worker.model import Model

ANSWERS = {
    "/api/show": {"capabilities": ["completion"], "model_info": {}},
    "/api/generate": {"model": "m", "done": True},
    "/api/chat": {"model": "m", "done": True},
    "/api/ps": {
        "models": [
            {
                "name": "m:latest",
                "digest": "d1",
                "size": 200,
                "size_vram": 50,
                "context_length": 4096,
                "expires_at": "2026-11-23T09:05:00+01:00",
            }
        ]
    },
}
DATE = {"date": "Mon, 23 Nov 2026 08:00:00 GMT"}


def loading(answer, *, store: Any, sample=None, **rest):
    target = replace(Target.of(request.parse("m"), host="gpu-1"), sample=sample)
    ollama = Ollama("gpu-1", "http://gpu:1", transport=httpx.MockTransport(answer))
    return Loading(
        model=Model(target, ollama),
        store=store,
        before=None,
        fits=False,
        ceiling_s=5,
        **rest,
    )


@pytest.mark.parametrize(
    ("sample", "path", "part"),
    [
        (None, "/api/generate", {"prompt": "ok", "raw": True}),
        ("Hello", "/api/generate", {"prompt": "Hello"}),
        (
            (("user", "Hello"),),
            "/api/chat",
            {"messages": [{"role": "user", "content": "Hello"}]},
        ),
    ],
    ids=["none", "prompt", "messages"],
)
def test_a_target_is_warmed_with_its_sample_and_nobody_logs_it(
    caplog, sample, path, part
):
    sent = {}

    def answer(asked):
        sent[asked.url.path] = json.loads(asked.content or "{}")
        return httpx.Response(200, json=ANSWERS[asked.url.path], headers=DATE)

    caplog.set_level("DEBUG")
    nobody = Store("redis://127.0.0.1:1/0", namespace="tests")

    loading(answer, store=nobody, sample=sample).run()

    assert part.items() <= sent[path].items()
    assert "Hello" not in caplog.text


class Remembers:
    """A store of loads."""

    def __init__(self):
        self.loads: list[float] = []

    def longest(self, _host):
        return max(self.loads, default=0.0), 200

    def set_longest(self, _host, load_s, _size_bytes):
        self.loads.append(load_s)

    def add_history(self, _host, *, load_s, **_):
        self.loads.append(load_s)


@pytest.mark.parametrize(("load_s", "remembered_s"), [(8.0, 8.0), (900.0, 36.0)])
def test_of_a_load_that_was_late_only_so_much_is_remembered(load_s, remembered_s):
    store = Remembers()
    told = {
        "/api/generate": {"model": "m", "done": True, "load_duration": load_s * 1e9}
    }

    def answer(asked):
        body = (ANSWERS | told)[asked.url.path]
        return httpx.Response(200, json=body, headers=DATE)

    warmth = loading(answer, store=store, late_s=36.0).run()

    assert warmth.load_s == load_s
    assert store.loads == [remembered_s, remembered_s]
