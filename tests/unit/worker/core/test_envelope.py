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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "x" * 1_000),
        ("eta", "x" * 262_144),
        ("retries", None),
        ("retries", 0),
        ("sent_at", 1e12),
        ("timelimit", None),
        ("timelimit", [None, None]),
        ("timelimit", [300, 330]),
        ("stamped_headers", None),
        ("stamped_headers", ["a", "b"]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_header_that_celery_can_take_is_no_fault(name, value):
    assert envelope.fault(HEADERS | {name: value}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", ""),
        ("retries", 1.5),
        ("sent_at", 1e12 + 0.5),
        ("timelimit", [300]),
        ("timelimit", (300, 330)),
        ("timelimit", [300, "x"]),
        ("stamped_headers", ["a", 5]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_header_just_beyond_what_celery_can_take_is_told(name, value):
    assert f"header {name} is" in str(envelope.fault(HEADERS | {name: value}))


def test_each_call_that_follows_a_task_must_be_a_mapping():
    assert envelope.fault_of_body([[], {}, {"chain": [{}, {}]}]) is None
    assert envelope.fault_of_body([[], {}, {"chain": [{}, 5]}])


def test_a_body_is_nested_in_24_levels_at_most():
    named: dict[str, object] = {}
    for _ in range(22):
        named = {"a": named}

    assert envelope.fault_of_body([nested(22), {}, AFTER]) is None
    assert envelope.fault_of_body([nested(23), {}, AFTER])
    assert envelope.fault_of_body([[], named, AFTER]) is None
    assert envelope.fault_of_body([[], {"a": named}, AFTER])
