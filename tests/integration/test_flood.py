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
from tests.integration import hostile
from tests.integration.test_hostile import put
from tests.integration.test_readiness import at_once, sent, told  # noqa: F401 - told
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


def test_names_that_mean_nothing_ask_nobody_and_make_no_series(stage):
    tasks = (wire.WARMUP, wire.PULL, wire.UNLOAD)
    messages = [
        hostile.envelope([[name], {}, hostile.AFTER], task=tasks[place % 3])
        for place, name in enumerate(names(NUMBER, seed=5))
    ]
    requests = stage.simulated.stats()["requests"]
    series = exposed(stage)
    begin = len(stage.worker_log())

    lines = put(stage, messages, seconds=300)

    assert len(lines) == NUMBER
    assert stage.simulated.stats()["requests"] == requests
    assert exposed(stage) == series
    written = stage.worker_log()[begin:]
    assert all(line.startswith("[20") for line in written.split("\n")[:-1])
    assert written.replace("\n", "").isprintable()


def exposed(stage):
    """The names and labels of all series."""
    text = metrics.exposition(stage.broker_url, namespace="tests").decode()
    return {line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#"}


def test_any_number_of_calls_is_one_load_and_leaves_little(stage):
    loads = stage.simulated.loads()
    with Redis.from_url(stage.broker_url) as redis:
        before, keys = used_bytes(redis), redis.dbsize()
        stage.application.send("mid", times=NUMBER, wait_s=300)
        answers = stage.application.answers()
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
    assert stage.simulated.loads() == loads + 1
    assert (sum(waiting), unacked) == (0, 0)
    assert left <= NUMBER + 20
    assert len(results) >= NUMBER
    assert all(0 < life_s <= LIVES_S for life_s in lives_s)
    assert after - before < NUMBER * KEPT_BYTES + OTHER_BYTES


def test_any_number_of_readiness_calls_is_one_message(told, unserved):  # noqa: F811
    told({"llama3:8b": Condition.COLD})
    before = used_bytes(unserved.redis)

    for _ in range(NUMBER // AT_ONCE):  # more at once would outwait their patience
        states = asyncio.run(at_once(AT_ONCE))
        assert {(state.status, len(state.targets)) for state in states} == {(503, 1)}

    assert len(sent(unserved)) == 1
    assert used_bytes(unserved.redis) - before < OTHER_BYTES
