import json
from typing import Any

import pytest

from ollama_warmup import publish
from worker.core import envelope

HEADERS = {"id": "1", "task": "ollama.warmup"}
AFTER = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def nested(depth):
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def test_the_message_of_an_application_has_no_fault(monkeypatch):
    sent = []
    app = publish.app()
    task = app.signature("ollama.warmup", args=("tiny",), countdown=5)
    monkeypatch.setattr(
        app.amqp, "send_task_message", lambda *args, **_: sent.append(args[2])
    )

    chain: Any = task | task
    chain.apply_async(producer=object(), queue="ollama.control")

    [message] = sent
    assert envelope.fault(message.headers) is None
    assert envelope.fault_of_body(json.loads(json.dumps(message.body))) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", None),
        ("id", ["x"]),
        ("task", ["x"]),
        ("id", "x" * 1_001),
        ("eta", "x" * 262_145),
        ("retries", 10**13),
        ("retries", "many"),
        ("retries", True),
        ("timelimit", "abc"),
        ("timelimit", ["a", "b"]),
        ("stamped_headers", 5),
        ("stamps", 5),
        ("sent_at", "zz"),
        ("waiting_since", float("nan")),
        ("waiting_since", float("inf")),
        ("eta", 5),
        ("shadow", [1]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_header_that_celery_cannot_handle_is_a_fault(name, value):
    assert f"header {name} is" in str(envelope.fault(HEADERS | {name: value}))


@pytest.mark.parametrize(
    "body",
    [
        *(None, 5, "", b"", {}, [], [[], {}], [[], {}, {}, {}]),
        *([5, {}, AFTER], [[], [1], AFTER], [[], {}, 5]),
        *([[], {}, {"callbacks": 5}], [[], {}, {"chain": [5]}], [[], {}, {"chord": 3}]),
        [nested(30), {}, AFTER],
    ],
    ids=str,
)
def test_a_body_that_celery_cannot_handle_is_a_fault(body):
    assert envelope.fault_of_body(body)


def test_a_message_without_its_optional_parts_has_no_fault():
    assert envelope.fault(HEADERS) is None
    assert envelope.fault_of_body([["tiny"], {}, None]) is None
