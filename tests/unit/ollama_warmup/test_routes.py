import pytest

import tasks
from ollama_warmup import publish, routes, settings, warmlist
from ollama_warmup.errors import BadRequest, StoreUnavailable, UnknownHost

FORGET = (settings.current.cache_clear, warmlist.forget, publish.app.cache_clear)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Variables for this test, as a new process would read them."""

    def read(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        for forget in FORGET:
            forget()

    read(OLLAMA_WARMUP_BROKER_URL="redis://127.0.0.1:1/0")
    yield read
    monkeypatch.undo()
    for forget in FORGET:
        forget()


@pytest.mark.parametrize(
    ("route", "queue"),
    [(routes.pull, "ollama.pull"), (routes.unload, "ollama.touch")],
)
def test_neither_a_pull_nor_an_unload_needs_a_lane(environment, route, queue):
    assert route("llama3:8b", "gpu-7") == queue

    environment(OLLAMA_WARMUP_HOSTS="gpu-1=10.0.0.5", OLLAMA_WARMUP_MODELS="llama3:8b")

    assert route("llama3:8b") == queue
    assert route("llama3:8b?num_ctx=512", host="gpu-1") == queue


@pytest.mark.parametrize("route", [routes.pull, routes.unload])
def test_a_process_that_knows_the_hosts_refuses_another(environment, route):
    environment(OLLAMA_WARMUP_HOSTS="gpu-1=http://10.0.0.5")

    with pytest.raises(UnknownHost, match="the hosts are gpu-1"):
        route("llama3:8b", "gpu-7")


TASKS = pytest.mark.parametrize(
    "task",
    [publish.pull, publish.unload, tasks.pull, tasks.unload],
    ids=["pull", "unload", "tasks.pull", "tasks.unload"],
)


@TASKS
@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("a b",), "is no model name"),
        (("gpt-oss:120b-cloud",), "in Ollama's cloud"),
        ((8,), "must be text such as"),
        (("m", "../x"), "1 to 40 of a-z"),
        ((), "missing a required argument: 'model': the arguments are model, host$"),
        (("m", "gpu-1", 3), "the arguments are model, host$"),
    ],
)
def test_a_wrong_call_is_refused_before_redis_is_asked(task, args, sentence):
    with pytest.raises(BadRequest, match=sentence):
        task.delay(*args)


@TASKS
def test_redis_that_refuses_is_named(task):
    with pytest.raises(StoreUnavailable, match=r"Redis at 127\.0\.0\.1:1 cannot"):
        task.delay("llama3:8b")
