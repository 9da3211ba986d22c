import asyncio
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from ollama_warmup.warmlist import Host
from worker.adapters.asking import Failure, NoAnswer, Nonsense
from worker.doctor.asked import ask, reach_of
from worker.doctor.facts import Reach

KEY = ConnectionKey("gpu", 11434, False, True, None, None, None)
REFUSED = ConnectionRefusedError(111, "Connection refused")
NO_NAME = socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize(
    ("failure", "reach"),
    [
        (aiohttp.ClientConnectorError(KEY, REFUSED), Reach.REFUSED),
        (aiohttp.ClientConnectorDNSError(KEY, NO_NAME), Reach.UNREACHABLE),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "x")), Reach.UNREACHABLE),
        (aiohttp.ConnectionTimeoutError(), Reach.MUTE),
        (TimeoutError(), Reach.MUTE),
        (Failure(401, "who are you"), Reach.LOCKED),
        (Failure(403, ""), Reach.LOCKED),
        (Failure(404, "page not found"), Reach.STRANGE),
        (Failure(502, "bad gateway"), Reach.FAILS),
        (Nonsense("answers as no Ollama does"), Reach.STRANGE),
        (NoAnswer("OLLAMA_WARMUP_SECRET_GPU is not set"), Reach.LOCKED),
        (aiohttp.ServerDisconnectedError(), Reach.FAILS),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_a_failure_to_ask_a_host_is_sorted_by_its_cause(failure, reach):
    assert reach_of(failure)[0] is reach


def test_the_facts_of_a_host_do_not_have_its_login():
    host = Host(name="gpu", url="http://me:hunter2@127.0.0.1:1")

    [facts] = asyncio.run(ask([host], {}, tell=lambda _: None))

    assert facts.url == "http://127.0.0.1:1"
    assert "hunter2" not in repr(facts)
