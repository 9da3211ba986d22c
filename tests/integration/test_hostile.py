"""What whoever can write to Redis may put on a queue: it is told, and dropped."""

import re
import time
from typing import Any

from redis import Redis

from ollama_warmup import wire
from tests.faults.scene import children_of
from tests.integration import hostile

TOLD = re.compile(
    r"A message was dropped|Received (?:invalid|unregistered)|Can't decode message"
    r"|ollama\.\w+\[[^]]+\] raised (?:un)?expected"
)


def put(stage, messages, *, seconds=60):
    """Put them on a queue that is served, and wait until nothing is left of them.

    No process may end of it: a child that does is replaced, and so is not missed.
    """
    messages = list(messages)
    children = children_of(stage.supervisor.processes["worker"].pid)
    seen = len(stage.worker_log())
    with Redis.from_url(stage.broker_url) as redis:
        for message in messages:
            redis.lpush("tests:ollama.control", message)
        deadline = time.monotonic() + seconds
        while redis.llen("tests:ollama.control") or redis.hlen("tests:unacked"):
            stage.supervisor.check()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while len(found := TOLD.findall(stage.worker_log()[seen:])) < len(messages):
            if time.monotonic() > deadline:
                break  # a line may come after its message is gone
            time.sleep(0.2)
    stage.supervisor.check()
    assert children_of(stage.supervisor.processes["worker"].pid) == children
    return found


def test_what_is_not_json_is_never_opened(stage, tmp_path):
    mark, loads = tmp_path / "opened", stage.simulated.loads()
    messages = [*hostile.code(mark), *hostile.calls("tiny")]

    told = put(stage, messages)

    assert told == ["A message was dropped"] * len(messages)
    assert not mark.exists()
    assert stage.simulated.loads() == loads


def test_what_is_nearly_a_call_loads_nothing(stage):
    host = stage.simulated.url
    calls: tuple[Any, ...] = (
        (["tiny"], {"gentle": "yes"}),
        (["tiny"], {"evil": 1}),
        (["tiny", None, True], {}),
        (["tiny?evil=1"], {}),
        (["tiny", host], {}),
        (["tiny", host.removeprefix("http://")], {}),
        (["tiny", ["default"]], {}),
    )
    asked = stage.simulated.stats()["requests"]

    messages = [hostile.envelope([*call, hostile.AFTER]) for call in calls]
    elsewhere = [["tiny", host], {}, hostile.AFTER]  # an unload is sent to no lane
    messages.append(hostile.envelope(elsewhere, task=wire.UNLOAD))

    told = put(stage, messages)

    assert [" raised " in line for line in told] == [True] * len(messages)
    assert stage.simulated.stats()["requests"] == asked


def test_a_thousand_hostile_messages_are_each_told_once_and_nothing_happens(stage):
    loads = stage.simulated.loads()

    told = put(stage, hostile.messages(1_000, seed=11))

    assert len(told) == 1_000
    assert stage.simulated.loads() == loads
    assert stage.warmup("tiny")["result"]["outcome"] == "loaded"
