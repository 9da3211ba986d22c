"""What whoever can write to Redis may put on a queue: it is told, and dropped."""

from typing import Any

from ollama_warmup import wire
from tests.support import hostile
from tests.support.hostile import put


def test_a_message_that_is_not_json_is_never_decoded(system, tmp_path):
    mark, loads = tmp_path / "opened", system.ollama.loads()
    messages = [*hostile.code(mark), *hostile.calls("tiny")]

    told = put(system, messages)

    assert told == ["A message was dropped"] * len(messages)
    assert not mark.exists()
    assert system.ollama.loads() == loads


def test_a_message_with_wrong_arguments_loads_nothing(system):
    host = system.ollama.url
    calls: tuple[Any, ...] = (
        (["tiny"], {"gentle": "yes"}),
        (["tiny"], {"evil": 1}),
        (["tiny", None, True], {}),
        (["tiny?evil=1"], {}),
        (["tiny", host], {}),
        (["tiny", host.removeprefix("http://")], {}),
        (["tiny", ["default"]], {}),
    )
    asked = system.ollama.stats()["requests"]

    messages = [hostile.envelope([*call, hostile.AFTER]) for call in calls]
    elsewhere = [["tiny", host], {}, hostile.AFTER]  # an unload is sent to no lane
    messages.append(hostile.envelope(elsewhere, task=wire.UNLOAD))

    told = put(system, messages)

    assert [" raised " in line for line in told] == [True] * len(messages)
    assert system.ollama.stats()["requests"] == asked


def test_a_thousand_hostile_messages_are_logged_once_each_and_load_nothing(system):
    loads = system.ollama.loads()

    told = put(system, hostile.messages(1_000, seed=11))

    assert len(told) == 1_000
    assert system.ollama.loads() == loads
    assert system.application.warmup("tiny")["result"]["outcome"] == "loaded"
