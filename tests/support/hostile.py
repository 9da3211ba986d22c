"""Messages that no part of this project sends, in envelopes of kombu, by a seed."""

import base64
import json
import pickle
import random
import re
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis import Redis

from ollama_warmup import wire
from tests.support.waiting import until

TASKS = (
    *(wire.WARMUP, wire.PULL, wire.UNLOAD),
    *(wire.TOUCH, wire.CURE, wire.RECONCILE),
)
PICKLE, YAML = "application/x-python-serialize", "application/x-yaml"
AFTER = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
WRONG: tuple[Any, ...] = (
    0,
    -1,
    1.5,
    True,
    [],
    {},
    [None],
    {"a": 1},
    "\0",
    "a b",
    "x" * 2_000,
    "../é",
    9e99,
)
"""Values that are no model, host, digest or number of tokens."""


def envelope(body, *, task=wire.WARMUP, kind="application/json", **headers):
    """A message on a list of Redis, as kombu writes it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"lang": "py", "task": task, "id": str(uuid.uuid4()), "retries": 0}
    return json.dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": "utf-8",
            "content-type": kind,
            "headers": own | headers,
            "properties": {
                "correlation_id": own["id"],
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": wire.CONTROL},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    )


DROPPED = re.compile(
    r"A message was dropped|Received (?:invalid|unregistered)|Can't decode message"
    r"|ollama\.\w+\[[^]]+\] raised (?:un)?expected"
)
"""What a worker logs of a message that it does not carry out."""


def put(system, messages, *, seconds=60):
    """Put messages on a queue that is served; return what the worker logs of them.

    No process may die of them: a dead child would be replaced, and so not be missed.
    """
    messages = list(messages)
    children = system.supervisor.children("worker")
    seen = len(system.log())

    def logged():
        return DROPPED.findall(system.log()[seen:])

    with Redis.from_url(system.broker_url) as redis:
        for message in messages:
            redis.lpush("tests:ollama.control", message)
        until(
            lambda: (
                not redis.llen("tests:ollama.control")
                and not redis.hlen("tests:unacked")
            ),
            "nothing is left of the messages",
            seconds=seconds,
            meanwhile=system.supervisor.check,
        )
    with suppress(TimeoutError):  # a line may come after its message is gone
        until(lambda: len(logged()) >= len(messages), "all are logged", seconds=seconds)
    system.supervisor.check()
    assert system.supervisor.children("worker") == children
    return logged()


class Opens:
    """A pickle that writes a file where it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def code(path):
    """A pickle and a YAML that write a file where they are opened."""
    opens = pickle.dumps([[Opens(path)], {}, AFTER])
    yield envelope(opens, kind=PICKLE)
    text = f"!!python/object/apply:os.mknod ['{path}']"
    yield envelope(text.encode(), kind=YAML)


def calls(model):
    """A right call in each format but ours."""
    call = [[model], {}, AFTER]
    yield envelope(pickle.dumps(call), kind=PICKLE)
    yield envelope(call, kind=YAML)  # JSON is YAML


def messages(number, *, seed):
    """So many of them, the same for a seed; none means anything to a task."""
    chance = random.Random(seed)  # noqa: S311 - keeps no secret
    makers = (_calls, *(_bodies, _headers, _follows) * 4)
    return [chance.choice(makers)(chance) for _ in range(number)]


def _value(chance, depth=3):
    if depth and chance.random() < 0.4:
        inner = [_value(chance, depth - 1) for _ in range(chance.randrange(5))]
        return (
            inner if chance.random() < 0.5 else {str(n): v for n, v in enumerate(inner)}
        )
    return chance.choice((*WRONG, None))


def _calls(chance):
    """A right envelope with wrong arguments, for each task."""
    named = chance.choice(
        ({"evil": 1}, {"model": chance.choice(WRONG[:-3]), "host": 7})
    )
    args = [chance.choice(WRONG) for _ in range(chance.randrange(3))]
    return envelope([args, named, AFTER], task=chance.choice(TASKS))


def _bodies(chance):
    length = chance.randrange(3_000)
    body = chance.choice(
        (
            lambda: _value(chance),
            lambda: chance.randbytes(length),
            lambda: b"[" * length * 30,
            lambda: [["x" * 300_000], {}, AFTER],
            lambda: b"[[" + b"[" * 500 + b"]" * 500 + b"],{},{}]",
            lambda: [_value(chance), chance.choice(WRONG), chance.choice(WRONG[:5])],
        )
    )()
    kinds = (
        "application/json",
        "application/data",
        "application/x-msgpack",
        "text/plain",
    )
    return envelope(body, kind=chance.choice(kinds))


def _headers(chance):
    names = ("id", "task", "retries", "timelimit", "sent_at", "eta", "stamped_headers")
    wrong = chance.choice(
        ([1], {"a": []}, "x" * 2_000_000 if chance.random() < 0.1 else [7])
    )
    return envelope([["a b"], {}, AFTER], **{chance.choice(names): wrong})


def _follows(chance):
    wrong = {chance.choice(tuple(AFTER)): chance.choice((5, "x", [1], [[]], True))}
    return envelope([["a b"], {}, AFTER | wrong])
