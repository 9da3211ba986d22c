"""A whole system under the rights that compose gives it, among hosts it cannot trust.

Its user in Redis may do no more than it needs; what is secret reaches the one host
that it is for, and nothing that the system writes.
"""

import json
from typing import Any

import pytest
from redis.exceptions import AuthenticationError, NoPermissionError

from ollama_warmup import wire
from ollama_warmup.settings import Settings
from tests.integration.guarded import PASSWORD, SECRET, guard


@pytest.fixture(scope="module")
def guarded():
    with guard() as system:
        yield system


def test_the_rights_of_compose_are_enough_for_a_whole_system(guarded):
    guarded.system.supervisor.check()
    outcomes = {"loaded", "joined", "already_warm"}
    assert guarded.answers["real"]["result"]["outcome"] in outcomes
    assert guarded.answers["unloaded"]["result"]["outcome"] == "unloaded"
    assert guarded.web["/status"].status_code == 200
    assert guarded.denied() == []


def test_the_rights_of_compose_are_enough_to_requeue_a_message(guarded):
    """Which a system does where one of its processes dies."""
    broker_url = f"redis://ollama-warmup:{PASSWORD}@127.0.0.1:{guarded.port}/0"
    told = wire.agreed(Settings(broker_url=broker_url), connect_s=1, answer_s=1)
    app = wire.OwnCelery("x", set_as_current=False, config_source=told)
    with app, app.connection_for_write() as connection:
        queue: Any = wire.queue("ollama.nobodys")(connection.default_channel)
        queue.channel.basic_publish(
            queue.channel.prepare_message("sent"), "", queue.name
        )
        for give_back in (
            lambda message: message.requeue(),
            lambda message: queue.channel.qos.restore_by_tag(message.delivery_tag),
            lambda _: queue.channel.qos.restore_visible(),
        ):
            message = queue.get()
            queue.channel.qos.visibility_timeout = -1
            give_back(message)
        queue.get().ack()

    assert guarded.denied() == []


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "CONFIG GET maxmemory",
        "KEYS *",
        "SCAN 0",
        "ACL LIST",
        "EVAL return(1) 0",
        "SCRIPT FLUSH",
        "GET another:key",
        "LPUSH another:ollama.control x",
        "SUBSCRIBE another",
        "PUBLISH another:/0.celery.pidbox x",
        "PSUBSCRIBE *",
    ],
)
def test_commands_and_keys_of_others_are_denied_to_the_system(guarded, command):
    with (
        guarded.redis("ollama-warmup", PASSWORD) as redis,
        pytest.raises(NoPermissionError),
    ):
        redis.execute_command(*command.split())
    assert guarded.denied()


def test_redis_refuses_a_client_without_the_password(guarded):
    with guarded.redis(None, None) as redis, pytest.raises(AuthenticationError):
        redis.ping()


def test_no_process_follows_a_redirect(guarded):
    moved, elsewhere = guarded.strangers["moved"], guarded.strangers["elsewhere"]

    assert {"/api/ps", "/api/tags"} <= moved.paths
    assert elsewhere.heard == []
    assert guarded.answers["moved"]["error"]
    assert guarded.answers["moved pull"]["error"]


def test_each_host_receives_its_own_token_and_no_other(guarded):
    for name in ("other", "moved"):
        assert guarded.strangers[name].tokens == {f"Bearer {SECRET}{name.upper()}"}


def test_a_self_signed_certificate_is_refused_with_a_reason(guarded):
    assert guarded.strangers["tls"].heard == []
    assert "certificate verify failed" in guarded.answers["tls"]["text"]
    assert b"certificate verify failed" in guarded.dump()


def test_a_request_that_names_a_host_by_its_url_is_refused(guarded):
    answer = guarded.answers["unknown"]

    assert answer["error"] == "BadRequest"
    assert "no host name of the configuration" in answer["text"]


def test_no_secret_is_in_logs_redis_channels_answers_or_pages(guarded):
    written = guarded.logs() | {
        "redis": guarded.dump(),
        "channels": b"\n".join(guarded.heard),
        "answers": json.dumps(guarded.answers).encode(),
        **{path: page.content for path, page in guarded.web.items()},
    }

    assert b"task-received" in guarded.decoded(written["channels"])
    assert b"Model warmup failed" in written["worker.log"]
    for name, text in written.items():
        assert SECRET.encode() not in text, name
        assert SECRET.encode() not in guarded.decoded(text), name
