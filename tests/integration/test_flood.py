"""Floods: what may come in any number costs a bounded number of everything.

`make flood` sends 10,000 of each kind; here it is fewer, for the time's sake.
"""

import asyncio
import os
import random

import pytest
from redis import Redis

from ollama_warmup import wire
from ollama_warmup.report import Condition
from tests.support import hostile
from tests.support.hostile import put
from tests.support.readiness import at_once, sent
from worker import metrics

NUMBER = int(os.environ.get("FLOOD", "200"))
"""Of each kind."""
AT_ONCE = 200
"""Calls of readiness in the same instant."""
KEPT_BYTES = 2_000
"""What Redis keeps of one call until its result expires, at most."""
LIVES_S = 86_400
"""Until a result expires, at most: one that is an error."""
OTHER_BYTES = 1_000_000
"""What Redis takes beside them, whatever their number."""
PARTS = (
    *(
        "llama3",
        "8b",
        ":",
        "/",
        "@",
        "?",
        "&",
        "=",
        "num_ctx",
        "..",
        "%s",
        "{}",
        "`id`",
    ),
    *(
        "\n",
        "\r\n[2026-01-01 00:00:00,000: ERROR/MainProcess] ",
        "\x1b[2J",
        "\0",
        "\u202e",
    ),
    *('"} 1\n', 'model="', "http://169.254.169.254/", "' OR 1=1 --", "\U0001f525", " "),
)

pytestmark = pytest.mark.timeout(400)


def names(number, *, seed):
    """Names that no model has, though each has parts of one."""
    chance = random.Random(seed)  # noqa: S311 - keeps no secret
    for _ in range(number):
        parts = chance.choices(PARTS, k=chance.randrange(1, 40))
        yield chance.choice("\x1b\0\u202e-") + "".join(parts)


def used_bytes(redis):
    return int(redis.info("memory")["used_memory"])


def test_meaningless_model_names_cause_no_request_and_no_metric_series(system):
    tasks = (wire.WARMUP, wire.PULL, wire.UNLOAD)
    messages = [
        hostile.envelope([[name], {}, hostile.AFTER], task=tasks[place % 3])
        for place, name in enumerate(names(NUMBER, seed=5))
    ]
    requests = system.ollama.stats()["requests"]
    series = exposed(system)
    begin = len(system.log())

    lines = put(system, messages, seconds=300)

    assert len(lines) == NUMBER
    assert system.ollama.stats()["requests"] == requests
    assert exposed(system) == series
    written = system.log()[begin:]
    assert all(line.startswith("[20") for line in written.split("\n")[:-1])
    assert written.replace("\n", "").isprintable()


def exposed(system):
    """The names and labels of all series."""
    text = metrics.exposition(system.broker_url, namespace="tests").decode()
    return {line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#"}


def test_any_number_of_warm_ups_is_one_load_and_leaves_little_in_redis(system):
    loads = system.ollama.loads()
    with Redis.from_url(system.broker_url) as redis:
        before, keys = used_bytes(redis), redis.dbsize()
        system.application.send("mid", times=NUMBER, wait_s=300)
        answers = system.application.answers()
        after, left = used_bytes(redis), redis.dbsize() - keys
        waiting = [redis.llen(key) for key in redis.keys("tests:ollama.*")]
        unacked = redis.hlen("tests:unacked")
        results = redis.keys("tests:celery-task-meta-*")
        lives_s = {redis.ttl(key) for key in results}

    assert {a["result"]["outcome"] for a in answers} <= {
        "loaded",
        "joined",
        "already_warm",
    }
    assert system.ollama.loads() == loads + 1
    assert (sum(waiting), unacked) == (0, 0)
    assert left <= NUMBER + 20
    assert len(results) >= NUMBER
    assert all(0 < life_s <= LIVES_S for life_s in lives_s)
    assert after - before < NUMBER * KEPT_BYTES + OTHER_BYTES


def test_any_number_of_readiness_calls_is_one_message(last_pass, unserved):
    last_pass({"llama3:8b": Condition.COLD})
    before = used_bytes(unserved.redis)

    for _ in range(NUMBER // AT_ONCE):  # more at once would outwait their patience
        states = asyncio.run(at_once(AT_ONCE))
        assert {(state.status, len(state.targets)) for state in states} == {(503, 1)}

    assert len(sent(unserved)) == 1
    assert used_bytes(unserved.redis) - before < OTHER_BYTES
