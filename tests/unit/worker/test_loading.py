import json
from dataclasses import replace

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
    target = replace(Target.of(request.parse("m"), host="gpu-1"), sample=sample)
    ollama = Ollama("gpu-1", "http://gpu:1", transport=httpx.MockTransport(answer))

    Loading(
        model=Model(target, ollama),
        store=Store("redis://127.0.0.1:1/0", namespace="tests"),
        before=None,
        fits=True,
        ceiling_s=5,
    ).run()

    assert part.items() <= sent[path].items()
    assert "Hello" not in caplog.text
