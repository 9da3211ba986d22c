"""Passes on real processes: beat, control, worker, Valkey and simulated hosts."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ollama_warmup import wire
from ollama_warmup.settings import Settings
from ollama_warmup.wire import OwnCelery
from tests.integration import loop as loops
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
    "idle": "tiny?keep_alive=4s, embedder?keep_alive=4s",
    "used": "tiny?keep_alive=8s",
    "during": "tiny?keep_alive=4s",
    "busy": "tiny?keep_alive=4s",
    "drift": "tiny?num_ctx=2048",
    "short": "tiny?keep_alive=30m",
    "leaves": "tiny",
    "pair": "tiny?keep_alive=1h, other?keep_alive=1h",
    "foreign": "tiny?keep_alive=1h",
}
WINDOWS = 10

simulate = [word for model in MODELS for word in ("--model", model)]


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loop")
    with loops.running(folder) as loop, ThreadPoolExecutor(4) as threads:
        loop.simulate(*simulate, names=[*ROOMY, *MATRIX])
        loop.simulate(*simulate, "--max-loaded-models", "1", names=TIGHT)
        loop.want(idle=WANTED["idle"])
        loops.start(loop)
        foreign = {"keep_alive": "15s"}
        loop.ask("none-app", "mid", options={"num_ctx": 1024}, **foreign)
        loop.ask("ctx-app", "mid", options={"num_ctx": 4096}, **foreign)
        loop.ask("thread-app", "mid", **foreign)
        loop.ask("drift", "tiny", options={"num_ctx": 1024}, keep_alive="1h")
        loop.ask("short", "tiny", keep_alive="15s")
        loop.want(**WANTED)
        assert loop.until(lambda: loop.is_warm("idle", "tiny", "embedder"))
        loop.began = time.monotonic()
        using = threads.submit(_use, loop)
        yield loop
        loop.is_over = True
        using.result()


def _use(loop):
    """An application that asks its model once a second, as long as tests run."""
    while not loop.is_over:
        loop.ask("used", "tiny")
        time.sleep(1)


def touches(loop, host):
    """Requests that are neither ours to load nor an application's."""
    return int(loop.hosts[host].stats()["requests"].get("/api/generate", 0))


def test_what_is_wanted_is_loaded_in_order_of_priority(loop):
    stays = loop.hosts["idle"].history()

    assert [stay["name"] for stay in stays][:2] == ["tiny:latest", "embedder:latest"]
    assert loop.kinds("idle")[:2] == ["changed", "changed"]


def test_drift_is_told_with_both_values_and_not_fought(loop):
    assert loop.until(lambda: loop.conditions("drift") == {"tiny": "drifted"})

    assert loop.why("drift", "tiny") == "loaded with context 1024, wanted 2048"
    assert loop.hosts["drift"].stats()["reloads"] == 0


def test_a_foreign_keep_alive_is_told_with_both_values_and_followed(loop):
    assert loop.until(lambda: loop.conditions("short") == {"tiny": "drifted"})

    assert "wanted 30m" in loop.why("short", "tiny")


def test_a_touch_is_sent_while_another_model_of_its_host_loads(loop):
    with ThreadPoolExecutor(1) as threads:
        loading = threads.submit(loop.ask, "during", "slow")
        assert loading.result().status_code == 200

    assert loop.hosts["during"].stats()["expirations"] == 0
    assert loop.is_warm("during", "tiny")


def test_a_touch_that_meets_a_full_queue_is_tried_again(loop):
    fault = {"fault": "queue_full", "path": "/api/generate", "times": 1}
    loop.hosts["busy"].post("/_sim/faults", **fault)
    assert loop.until(lambda: "retry: Retry in" in control_log(loop))
    before, _, after = control_log(loop).partition("retry: Retry in")
    retried = before.rpartition("ollama.touch[")[2][:36]
    assert "OllamaBusy" in after
    assert loop.until(lambda: f"ollama.touch[{retried}] succeeded" in control_log(loop))
    assert loop.is_warm("busy", "tiny")


def test_of_two_that_do_not_fit_together_the_less_wanted_is_unfit(loop):
    fit = {"tiny": "warm", "other": "unfit"}

    assert loop.until(lambda: loop.conditions("pair") == fit)

    assert "does not fit beside tiny" in loop.why("pair", "other")
    names = [stay["name"] for stay in loop.hosts["pair"].history()]
    assert names == ["tiny:latest", "other:latest", "tiny:latest"]


def test_an_evicted_target_comes_back_and_is_contested_when_it_goes_again(loop):
    assert loop.until(lambda: loop.is_warm("foreign", "tiny"))

    loop.ask("foreign", "other", keep_alive="1h")
    assert loop.until(lambda: "evicted" in loop.kinds("foreign"))
    assert loop.until(lambda: loop.is_warm("foreign", "tiny"))
    loop.ask("foreign", "other", keep_alive="1h")

    twice = "other:latest took its room 2 times"
    assert loop.until(lambda: twice in loop.why("foreign", "tiny"))
    assert loop.conditions("foreign") == {"tiny": "contested"}


def test_a_changed_file_brings_hosts_and_takes_them_away(loop):
    before = loop.folder.joinpath("warmlist.yaml").read_text()
    loop.want(**{k: v for k, v in WANTED.items() if k != "leaves"}, stays="tiny")

    assert loop.until(lambda: loop.is_warm("stays", "tiny"))
    assert loop.until(lambda: loop.conditions("leaves") == {})

    loop.folder.joinpath("warmlist.yaml").write_text(before + "model: typo\n")
    assert loop.until(lambda: "did you mean models?" in str(problem(loop))), problem(
        loop
    )
    assert loop.is_warm("stays", "tiny")


def problem(loop):
    return next(report.warm_list_problem for report in loop.passes.reports())


def test_a_touch_never_changes_what_is_loaded(loop):
    assert loop.until(lambda: time.monotonic() > loop.began + 20, seconds=30)

    reloads = {host: loop.hosts[host].stats()["reloads"] for host in MATRIX}

    assert reloads.pop("thread-app") <= 1
    assert set(reloads.values()) == {0}
    assert "reloaded_by_touch" in loop.kinds("thread-app")
    assert loop.conditions("none-app") == {"mid": "warm"}


def test_an_idle_model_outlives_ten_windows_and_one_in_use_is_never_touched(loop):
    assert loop.until(lambda: time.monotonic() > loop.began + 4 * WINDOWS, seconds=60)
    windows = (time.monotonic() - loop.began) / 4

    assert loop.hosts["idle"].stats()["loads"] == 2
    assert loop.hosts["used"].stats()["loads"] == 1
    assert touches(loop, "idle") <= 2.5 * windows
    assert "'model': 'tiny', 'host': 'used', 'outcome'" not in control_log(loop)


def control_log(loop):
    return loop.supervisor.processes["control"].output()


def test_metrics_tell_what_passes_did(loop):
    def told(name, **labels):
        """The sum of all series with these labels."""
        wanted = labels.items()
        return sum(
            s.value for s in samples if s.name == name and wanted <= s.labels.items()
        )

    text = metrics.exposition(loop.system.broker_url, namespace=loops.NAMESPACE)
    families = text_string_to_metric_families(
        text.decode().replace("ollama_warmup_", "")
    )
    samples = [sample for family in families for sample in family.samples]
    loads = told("loads_total", host="idle", cause="keep_warm", result="success")
    by_touch = told("touches_total", host="idle", result="load")

    assert loads + by_touch == loop.hosts["idle"].stats()["loads"]
    assert told("load_duration_seconds_count", host="idle") == loads
    assert told("touches_total", host="idle", result="success") > 1
    assert told("touches_total", host="used") == 0
    assert told("target_condition", host="drift", condition="drifted") == 1
    assert told("events_total", host="foreign", kind="evicted") > 1
    assert told("pass_duration_seconds_count") > 10
    assert 0 <= told("pass_age_seconds", host="idle") < 3 * loops.TICK_S


def test_every_key_in_redis_belongs_to_the_namespace(loop):
    assert len(keys := loop.redis.keys()) > 20
    assert [key for key in keys if not key.startswith(b"loop:")] == []


@pytest.mark.parametrize(("namespace", "answers"), [("loop", 4), ("other", 0)])
def test_workers_and_beat_hear_nothing_from_another_namespace(loop, namespace, answers):
    told = Settings(broker_url=loop.system.broker_url, namespace=namespace)
    config = wire.agreed(told, connect_s=1, answer_s=5)
    with OwnCelery("x", set_as_current=False, config_source=config) as app:
        assert len(app.control.ping(timeout=1.5) or []) == answers


def test_how_long_loads_took_is_found_from_a_report(loop):
    [seen] = [r for r in loop.passes.reports() if r.host == "idle"]

    kept = details.histories(status.choose([seen], status.Looked()))

    store = Store(loop.system.broker_url, namespace=loops.NAMESPACE)
    of_tiny, of_embedder = store.histories(kept)
    assert min(of_tiny) >= 0.2
    assert min(of_embedder) >= 0.2
