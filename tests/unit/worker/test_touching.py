import json

import httpx
import pytest

from ollama_warmup import request
from ollama_warmup.target import Target
from tests.unit.worker.core.scenes import holder
from worker.adapters.ollama import Ollama
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.model import Model
from worker.touching import Call, Means, _Attempt

AWAY = "redis://127.0.0.1:1/0"
DATE = {"date": "Mon, 23 Nov 2026 08:00:00 GMT"}
ROW = {
    "name": "m:latest",
    "digest": "d1",
    "size": 1,
    "size_vram": 1,
    "context_length": 4096,
    "expires_at": "2026-11-23T08:05:00Z",
}


class Host:
    """An Ollama where a touch takes two seconds: it has become a load."""

    def __init__(self, *, rows):
        self.rows, self.asked, self.now_s = rows, [], 0.0
        self.ollama = Ollama("gpu-1", "http://g", transport=httpx.MockTransport(self))

    def __call__(self, asked):
        path = asked.url.path
        if path == "/api/generate":
            self.asked.append(json.loads(asked.content).get("prompt", ""))
            self.now_s += 2.0
        answers = {
            "/api/ps": {"models": self.rows},
            "/api/tags": {"models": []},
            "/api/show": {"capabilities": ["completion"], "model_info": {}},
            "/api/generate": {"model": "m", "done": True},
        }
        return httpx.Response(200, json=answers[path], headers=DATE)


def touch(host):
    call = Call(
        target=Target.of(request.parse("m"), host="gpu-1"),
        digest="d1",
        num_ctx=None,
        task_id="t",
        process="w:1",
    )
    view = Host(rows=[ROW]).ollama.view()
    return (
        _Attempt(
            call=call,
            means=Means(
                ollama=host.ollama,
                store=Store(AWAY, namespace="tests"),
                passes=PassStore(AWAY, namespace="tests"),
                announce=lambda _: None,
                ceiling_s=5,
                monotonic=lambda: host.now_s,
            ),
            model=Model(call.target, host.ollama),
            before=view.residents[0],
            holder=holder(call.target.key),
        )
        .load()
        .run()
    )


@pytest.mark.parametrize(
    ("rows", "asked"), [([ROW], ["", "ok"]), ([], [""])], ids=["there", "gone"]
)
def test_a_touch_that_was_a_load_is_proven_unless_it_had_to_go_again(rows, asked):
    host = Host(rows=rows)

    record = touch(host)

    assert host.asked == asked
    assert record.was_load
