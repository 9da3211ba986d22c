import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module

import celery
import pytest
from celery.backends.redis import RedisBackend
from kombu.exceptions import OperationalError

import ollama_warmup
import tasks
from ollama_warmup import publish, settings, warmlist, warmup
from ollama_warmup.errors import BadRequest, BadSettings, StoreUnavailable, UnknownHost

HOSTS = "gpu-1=http://10.0.0.5, gpu-2=http://10.0.0.6"
REFUSING = "redis://me:secret@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Variables for this test, as a new process would read them."""

    def read(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.current.cache_clear()
        warmlist.forget()
        publish.app.cache_clear()

    read(OLLAMA_WARMUP_BROKER_URL=REFUSING)
    yield read
    monkeypatch.undo()
    settings.current.cache_clear()
    warmlist.forget()
    publish.app.cache_clear()


def test_a_process_that_knows_no_hosts_leaves_the_way_to_the_worker():
    assert publish.route("llama3:8b") == "ollama.control"
    assert publish.route("llama3:8b", host="gpu-7") == "ollama.control"


def test_a_process_that_knows_the_hosts_names_the_lane(environment):
    environment(OLLAMA_WARMUP_HOSTS=HOSTS, OLLAMA_WARMUP_MODELS="llama3:8b")

    assert publish.route("llama3:8b") == "ollama.lane.gpu-1"
    assert publish.route("llama3:8b?num_ctx=512", "gpu-2") == "ollama.lane.gpu-2"


def test_a_process_that_knows_the_hosts_refuses_another(environment):
    environment(OLLAMA_WARMUP_HOSTS=HOSTS)

    with pytest.raises(UnknownHost, match="the hosts are gpu-1, gpu-2"):
        warmup.delay("llama3:8b", host="gpu-3")


REFUSED = [
    (("a b",), {}, "is no model name"),
    (("../../etc/passwd",), {}, "is no model name"),
    (("gpt-oss:120b-cloud",), {}, "nothing to warm"),
    (("m?nun_ctx=1",), {}, "did you mean num_ctx"),
    (("m?num_ctx=many",), {}, "write a whole number"),
    (("m?keep_alive=300",), {}, "write 300s"),
    (("m" * 5_000,), {}, "1000 are allowed"),
    ((8,), {}, "must be text such as"),
    (("m", "../x"), {}, "1 to 40 of a-z"),
    ((), {}, "missing a required argument: 'model': the arguments are model, host"),
    (("m",), {"hots": "gpu-1"}, "keyword argument 'hots': the arguments are model,"),
    (("m",), {"x" * 5_000: 1}, "the arguments are model, host, gentle$"),
    (("m", "gpu-1", 3), {}, "too many positional arguments: the arguments are model,"),
]


@pytest.mark.parametrize("task", [warmup, tasks.warmup], ids=["package", "tasks"])
@pytest.mark.parametrize(("args", "kwargs", "sentence"), REFUSED)
def test_a_wrong_call_is_refused_before_redis_is_asked(task, args, kwargs, sentence):
    with pytest.raises(BadRequest, match=sentence) as refusal:
        task.delay(*args, **kwargs)

    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("task", [warmup, tasks.warmup], ids=["package", "tasks"])
def test_redis_that_refuses_is_named_without_its_password(task):
    with pytest.raises(StoreUnavailable, match=r"Redis at 127\.0\.0\.1:1 cannot") as e:
        task.delay("llama3:8b")

    assert "OLLAMA_WARMUP_BROKER_URL" in str(e.value)
    assert "secret" not in str(e.value)


def test_a_wrong_environment_is_refused_at_the_first_call(environment):
    environment(OLLAMA_WARMUP_BROKER="redis://x")

    with pytest.raises(BadSettings, match="did you mean OLLAMA_WARMUP_BROKER_URL"):
        warmup.delay("llama3:8b")


def lost_connection():
    raise RuntimeError("must be restarted") from RedisBackend.redis.ConnectionError("x")


def raised(error):
    raise error


@pytest.mark.parametrize(
    "fail",
    [
        lost_connection,
        lambda: raised(OperationalError("x")),
        lambda: raised(RedisBackend.redis.TimeoutError("x")),
    ],
    ids=["celery", "kombu", "redis"],
)
def test_a_failure_of_any_library_on_the_way_to_redis_is_store_unavailable(fail):
    with (
        pytest.raises(StoreUnavailable, match=r"cannot be used \(x\)"),
        publish.reaching_store(),
    ):
        fail()


@pytest.mark.parametrize("error", [RuntimeError("ours"), KeyError("ours")])
def test_a_failure_that_is_not_of_redis_is_raised_unchanged(error):
    with pytest.raises(type(error), match="ours"), publish.reaching_store():
        raise error


def test_variables_of_another_celery_redirect_nothing(environment):
    environment(
        CELERY_BROKER_URL="amqp://elsewhere",
        CELERY_BROKER_WRITE_URL="amqp://elsewhere",
        CELERY_RESULT_BACKEND="rpc://",
        CELERY_CONFIG_MODULE="nowhere",
        CELERY_LOADER="nowhere",
    )

    ours = publish.app()

    assert ours.connection_for_write().as_uri() == "redis://me:**@127.0.0.1:1/0"
    assert ours.backend.as_uri() == "redis://me:**@127.0.0.1:1/0"


def test_the_publisher_does_not_become_the_current_celery_application():
    ours = publish.app()

    assert celery.current_app.main != ours.main


def test_importing_the_package_imports_no_celery_and_offers_no_other_name():
    code = "import ollama_warmup, sys; print('celery' in sys.modules)"
    bare = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert bare.stdout == "False\n"
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from ollama_warmup import nothing  # noqa: F401, PLC0415


def test_no_module_of_the_package_hides_one_of_its_public_names():
    for module in pkgutil.iter_modules(ollama_warmup.__path__):
        import_module(f"ollama_warmup.{module.name}")

    assert ollama_warmup.__all__ == sorted(ollama_warmup.__all__)
    for name in ollama_warmup.__all__:
        assert not inspect.ismodule(getattr(ollama_warmup, name))
