"""Passes on real processes: beat, control, worker, Valkey and simulated hosts."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ollama_warmup import wire
from ollama_warmup.settings import Settings
from ollama_warmup.wire import OwnCelery
from tests.support.system import running_system
from tests.support.waiting import until
from worker import metrics
from worker.adapters.store import Store
from worker.web import details, status

MODELS = (
    "tiny?load=200ms&token=2ms",
    "other?load=200ms&token=2ms",
    "mid?load=1300ms&token=2ms",
    "slow?load=9s&token=2ms",
    "embedder?load=200ms&capabilities=embedding",
)
ROOMY = ["idle", "used", "during", "busy", "drift", "short", "leaves", "stays"]
MATRIX = {
    "none-ours": "mid?keep_alive=4s",
    "ctx-ours": "mid?num_ctx=2048&keep_alive=4s",
    "thread-ours": "mid?num_thread=2&keep_alive=4s",
    "none-app": "mid",
    "ctx-app": "mid?num_ctx=2048",
    "thread-app": "mid?num_thread=2",
}
TIGHT = ["pair", "foreign", "cure"]
WANTED = MATRIX | {
    "idle": "tiny?keep_alive=4s, embedder?keep_alive=4s&priority=-1",
    "used": "tiny?keep_alive=8s",
    "during": "tiny?keep_alive=4s",
    "busy": "tiny?keep_alive=4s",
    "drift": "tiny?num_ctx=2048",
    "short": "tiny?keep_alive=30m",
    "leaves": "tiny",
    "pair": "tiny?keep_alive=1h, other?keep_alive=1h&priority=-1",
    "foreign": "tiny?keep_alive=1h",
}
FOREIGN: dict[str, dict[str, Any]] = {
    "none-app": {"model": "mid", "options": {"num_ctx": 1024}, "keep_alive": "15s"},
    "ctx-app": {"model": "mid", "options": {"num_ctx": 4096}, "keep_alive": "15s"},
    "thread-app": {"model": "mid", "keep_alive": "15s"},
    "drift": {"model": "tiny", "options": {"num_ctx": 1024}, "keep_alive": "1h"},
    "short": {"model": "tiny", "keep_alive": "15s"},
}
"""What an application has loaded before the system wants it."""
TICK_S = 1.0
WINDOWS = 10


@pytest.fixture(scope="module")
def system():
    enabled = {"OLLAMA_WARMUP_ENABLED": "true"}
    with (
        running_system("loop", tick_s=TICK_S, variables=enabled) as system,
        ThreadPoolExecutor(4) as threads,
    ):
        system.simulate(*ROOMY, *MATRIX, models=MODELS)
        one = ("--max-loaded-models", "1")
        system.simulate(*TIGHT, models=MODELS, flags=one, process="ollama-tight")
        system.wait_ready()
        system.want(idle=WANTED["idle"])
        system.start_shipped()
        system.wait_ready()
        for host, options in FOREIGN.items():
            system.hosts[host].ask(**options)
        system.want(**WANTED)
        system.state.wait_until_warm("idle", "tiny", "embedder")
        is_over = threading.Event()
        using = threads.submit(_use, system.hosts["used"], is_over)
        yield system
        is_over.set()
        using.result()


def _use(ollama, is_over):
    """Ask for a model once a second, as an application does, as long as tests run."""
    while not is_over.wait(1):
        ollama.ask("tiny")


def touches(system, host):
    """Requests that are neither ours to load nor an application's."""
    return int(system.hosts[host].stats()["requests"].get("/api/generate", 0))


def test_declared_models_are_loaded_in_order_of_priority(system):
    stays = system.hosts["idle"].history()

    assert [stay["name"] for stay in stays][:2] == ["tiny:latest", "embedder:latest"]
    assert system.state.events("idle")[:2] == ["changed", "changed"]


def wait_windows(system, number):
    """Wait until the idle targets are as old; returns how many windows have passed."""
    loaded_at = datetime.fromisoformat(system.hosts["idle"].history()[1]["loaded_at"])

    def windows():
        return (time.time() - loaded_at.timestamp()) / 4

    until(lambda: windows() > number, f"{number} windows have passed", seconds=60)
    return windows()


def test_drift_is_reported_with_both_values_and_not_reloaded(system):
    system.state.wait_for("drift", {"tiny": "drifted"})

    assert system.state.why("drift", "tiny") == "loaded with context 1024, wanted 2048"
    assert system.hosts["drift"].stats()["reloads"] == 0


def test_a_foreign_keep_alive_is_reported_with_both_values_and_followed(system):
    system.state.wait_for("short", {"tiny": "drifted"})

    assert "wanted 30m" in system.state.why("short", "tiny")


def test_a_touch_is_sent_while_another_model_of_its_host_loads(system):
    with ThreadPoolExecutor(1) as threads:
        loading = threads.submit(system.hosts["during"].ask, "slow")
        assert loading.result().status_code == 200

    assert system.hosts["during"].stats()["expirations"] == 0
    assert system.state.is_warm("during", "tiny")


def test_a_touch_that_meets_a_full_queue_is_tried_again(system):
    system.hosts["busy"].fault("queue_full", path="/api/generate", times=1)
    until(lambda: "retry: Retry in" in control_log(system), "a touch is retried")
    before, _, after = control_log(system).partition("retry: Retry in")
    retried = before.rpartition("ollama.touch[")[2][:36]
    assert "OllamaBusy" in after
    succeeded = f"ollama.touch[{retried}] succeeded"
    until(lambda: succeeded in control_log(system), "the touch succeeds")
    assert system.state.is_warm("busy", "tiny")


def test_of_two_targets_that_do_not_fit_together_the_less_wanted_is_unfit(system):
    fit = {"tiny": "warm", "other": "unfit"}

    system.state.wait_for("pair", fit)

    assert "does not fit beside tiny" in system.state.why("pair", "other")
    names = [stay["name"] for stay in system.hosts["pair"].history()]
    assert names == ["tiny:latest", "other:latest", "tiny:latest"]


def test_an_evicted_target_comes_back_and_is_contested_when_it_goes_again(system):
    system.state.wait_until_warm("foreign", "tiny")

    system.hosts["foreign"].ask("other", keep_alive="1h")
    until(lambda: "evicted" in system.state.events("foreign"), "tiny is evicted")
    system.state.wait_until_warm("foreign", "tiny")
    system.hosts["foreign"].ask("other", keep_alive="1h")

    twice = "other:latest took its room 2 times"
    until(lambda: twice in system.state.why("foreign", "tiny"), "tiny has gone twice")
    assert system.state.conditions("foreign") == {"tiny": "contested"}


def test_a_changed_warm_list_adds_and_removes_hosts(system):
    before = json.loads(system.warm_list.read_text())
    system.want(**{k: v for k, v in WANTED.items() if k != "leaves"}, stays="tiny")

    system.state.wait_until_warm("stays", "tiny")
    system.state.wait_for("leaves", {})

    system.warm_list.write_text(json.dumps(before | {"model": "typo"}))
    until(
        lambda: "did you mean models?" in str(problem(system)),
        "the problem of the warm list is reported",
        seen=lambda: problem(system),
    )
    assert system.state.is_warm("stays", "tiny")


def problem(system):
    return next(report.warm_list_problem for report in system.state.reports().values())


def test_a_touch_never_changes_what_is_loaded(system):
    wait_windows(system, 5)

    reloads = {host: system.hosts[host].stats()["reloads"] for host in MATRIX}

    assert reloads.pop("thread-app") <= 1
    assert set(reloads.values()) == {0}
    assert "reloaded_by_touch" in system.state.events("thread-app")
    assert system.state.conditions("none-app") == {"mid": "warm"}


def test_an_idle_model_outlives_ten_windows_and_one_in_use_is_never_touched(system):
    windows = wait_windows(system, WINDOWS)

    assert system.hosts["idle"].stats()["loads"] == 2
    assert system.hosts["used"].stats()["loads"] == 1
    assert touches(system, "idle") <= 2.5 * windows
    assert "'model': 'tiny', 'host': 'used', 'outcome'" not in control_log(system)


def control_log(system):
    return system.log("control")


def test_metrics_count_what_passes_did(system):
    def told(name, **labels):
        """The sum of all series with these labels."""
        wanted = labels.items()
        return sum(
            s.value for s in samples if s.name == name and wanted <= s.labels.items()
        )

    text = metrics.exposition(system.broker_url, namespace=system.namespace)
    families = text_string_to_metric_families(
        text.decode().replace("ollama_warmup_", "")
    )
    samples = [sample for family in families for sample in family.samples]
    loads = told("loads_total", host="idle", cause="keep_warm", result="success")
    by_touch = told("touches_total", host="idle", result="load")

    assert loads + by_touch == system.hosts["idle"].stats()["loads"]
    assert told("load_duration_seconds_count", host="idle") == loads
    assert told("touches_total", host="idle", result="success") > 1
    assert told("touches_total", host="used") == 0
    assert told("target_condition", host="drift", condition="drifted") == 1
    assert told("events_total", host="foreign", kind="evicted") > 1
    assert told("pass_duration_seconds_count") > 10
    assert 0 <= told("pass_age_seconds", host="idle") < 3 * TICK_S


def test_every_key_in_redis_belongs_to_the_namespace(system):
    assert len(keys := system.state.redis.keys()) > 20
    assert [key for key in keys if not key.startswith("loop:")] == []


@pytest.mark.parametrize(("namespace", "answers"), [("loop", 4), ("other", 0)])
def test_workers_and_beat_hear_nothing_from_another_namespace(
    system, namespace, answers
):
    told = Settings(broker_url=system.broker_url, namespace=namespace)
    config = wire.agreed(told, connect_s=1, answer_s=5)
    with OwnCelery("x", set_as_current=False, config_source=config) as app:
        assert len(app.control.ping(timeout=1.5) or []) == answers


def test_the_load_times_of_a_target_are_found_from_its_report(system):
    seen = system.state.reports()["idle"]

    kept = details.histories(status.choose([seen], status.Looked()))

    store = Store(system.broker_url, namespace=system.namespace)
    of_tiny, of_embedder = store.histories(kept)
    assert min(of_tiny) >= 0.2
    assert min(of_embedder) >= 0.2
