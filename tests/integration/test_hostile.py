"""What whoever can write to Redis may put on a queue: it is told, and dropped."""

import re
import time

from redis import Redis

from tests.integration import hostile

TOLD = re.compile(
    r"A message was dropped|Received (?:invalid|unregistered)|Can't decode message"
    r"|ollama\.\w+\[[^]]+\] raised (?:un)?expected"
)


def put(stage, messages, *, seconds=60):
    """Put them on a queue that is served, and wait until nothing is left of them."""
    messages = list(messages)
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
    return found


def test_what_is_not_json_is_never_opened(stage, tmp_path):
    mark = tmp_path / "opened"

    told = put(stage, hostile.code(mark))

    assert told == ["A message was dropped"] * 2
    assert not mark.exists()


def test_a_thousand_hostile_messages_are_each_told_once_and_nothing_happens(stage):
    loads = stage.simulated.loads()

    told = put(stage, hostile.messages(1_000, seed=11))

    assert len(told) == 1_000
    assert stage.simulated.loads() == loads
    assert stage.warmup("tiny")["result"]["outcome"] == "loaded"
