import runpy
from types import SimpleNamespace

import pytest
from celery import Celery
from celery.app.defaults import NAMESPACES, flatten

import celeryconfig
from ollama_warmup import settings
from worker.celery import app

UNLISTED = {"redis_backend_health_check_interval"}
"""Read by celery/backends/redis.py, though NAMESPACES lacks it."""
KNOWN = {setting[0] for setting in flatten(NAMESPACES)} | UNLISTED


def settings_of(module):
    return {name for name in vars(module) if not name.startswith("_")}


def test_every_name_is_a_real_setting_of_celery():
    assert settings_of(celeryconfig) - KNOWN == set()


@pytest.mark.parametrize("name", sorted(settings_of(celeryconfig) - {"result_backend"}))
def test_the_application_has_taken_every_setting(name):
    assert app.conf[name] == getattr(celeryconfig, name)


def test_the_registered_tasks_are_the_wire_contract():
    app.loader.import_default_modules()

    ours = {name for name in app.tasks if not name.startswith("celery.")}

    assert ours == {
        "ollama.cure",
        "ollama.pull",
        "ollama.reconcile",
        "ollama.touch",
        "ollama.unload",
        "ollama.warmup",
    }


def test_every_task_has_the_limits_of_all_tasks():
    app.loader.import_default_modules()

    for name, task in app.tasks.items():
        own = (task.soft_time_limit, task.time_limit)
        assert own in {(None, None), (300, 330)}, name
    assert (app.conf.task_soft_time_limit, app.conf.task_time_limit) == (300, 330)


@pytest.mark.parametrize(
    ("visibility_s", "limits"), [("900", (300, 330)), ("20", (6, 7))]
)
def test_a_run_ends_long_before_its_message_is_given_to_another_worker(
    monkeypatch, visibility_s, limits
):
    monkeypatch.setenv("OLLAMA_WARMUP_VISIBILITY_S", visibility_s)
    settings.current.cache_clear()
    told = runpy.run_path(celeryconfig.__file__)
    settings.current.cache_clear()

    assert (told["task_soft_time_limit"], told["task_time_limit"]) == limits
    timeout_s = told["broker_transport_options"]["visibility_timeout"]
    assert timeout_s == int(visibility_s)


def test_the_password_of_the_broker_is_in_no_table_of_settings(monkeypatch):
    """Which is what Flower shows of a worker."""
    monkeypatch.setenv("OLLAMA_WARMUP_BROKER_URL", "redis://me:hunter2@redis:6379/0")
    settings.current.cache_clear()
    fresh = Celery(set_as_current=False)
    fresh.config_from_object(SimpleNamespace(**runpy.run_path(celeryconfig.__file__)))
    settings.current.cache_clear()

    table = str(fresh.conf.table(with_defaults=True))

    assert table.count("redis:6379") == 3
    assert "hunter2" not in table


def test_the_message_of_beat_expires_before_the_next_and_names_a_task_and_a_queue():
    app.loader.import_default_modules()
    [entry] = celeryconfig.beat_schedule.values()

    assert entry["options"]["expires"] < entry["schedule"]
    assert entry["options"]["queue"] in {q.name for q in celeryconfig.task_queues}
    assert entry["task"] in app.tasks


def test_every_queue_has_a_routing_key_of_its_own():
    keys = {queue.name: queue.routing_key for queue in celeryconfig.task_queues}

    assert keys == {
        "ollama.control": "ollama.control",
        "ollama.touch": "ollama.touch",
        "ollama.pull": "ollama.pull",
        "ollama.lane.default": "ollama.lane.default",
    }


def test_a_task_that_is_sent_without_a_queue_goes_to_control():
    route = app.amqp.router.route({}, "ollama.warmup", args=("m",), kwargs={})

    assert route["queue"].name == "ollama.control"


def test_children_are_never_recycled_under_a_load():
    assert app.conf.worker_max_tasks_per_child is None
    assert app.conf.worker_max_memory_per_child is None


def test_a_foreign_result_backend_does_not_redirect_ours(monkeypatch):
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "rpc://")
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://elsewhere")
    monkeypatch.setenv("CELERY_BROKER_READ_URL", "amqp://elsewhere")
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "amqp://elsewhere")

    fresh = Celery(set_as_current=False)
    fresh.config_from_object("celeryconfig")
    fresh.backend_cls = app.backend_cls

    assert fresh.backend.as_uri().startswith("redis://127.0.0.1:")
    assert "@127.0.0.1:6379" in app.connection_for_write().as_uri()
    assert "@127.0.0.1:6379" in app.connection_for_read().as_uri()
