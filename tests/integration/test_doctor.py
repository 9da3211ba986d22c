"""`doctor` on the guide's nine troubles, and beside hosts that hang."""

import json
import time
from contextlib import ExitStack

import httpx
import pytest

from ollama_warmup import request
from ollama_warmup.report import Condition, TargetReport
from ollama_warmup.target import Target
from tests.support.outages import mute
from tests.support.recorder import SHOWN, recorder
from tests.support.reports import write_report
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.cli import examining
from worker.cli.supervisor import free_port
from worker.core.domain import LoadRecord
from worker.core.passes import Event, Evictor, Kind
from worker.doctor import asked
from worker.simulator.presets import PresetName, host_config
from worker.simulator.server import Listening, simulator_in_thread

MODELS = "llama3:8b?num_ctx=4096&keep_alive=20s, qwen3:4b, nope"
GUIDE = {
    "Ollama container is running": ("running", "problem", "refused"),
    "Model is available": ("pulled", "problem", "nope on sim"),
    "Network connectivity between services": ("network", "problem", "no-way"),
    "Increase OLLAMA_KEEP_ALIVE": ("keep-alive", "problem", "llama3:8b on sim"),
    "Check available memory": ("memory", "problem", "llama3:8b on sim"),
    "Reduce OLLAMA_MAX_LOADED_MODELS": ("loaded-models", "warning", "sim"),
    "Verify warmup completed": ("warmed", "problem", "llama3:8b on sim"),
    "Check if model was unloaded": ("unloaded", "note", "llama3:8b on sim"),
    "Consider using quantized models": ("quantisation", "note", "llama3:8b on files"),
}
"""The guide's items under Troubleshooting: which finding tells each."""
ALSO = {
    ("context", "warning", "llama3:8b on sim"),
    ("cpu", "warning", "qwen3:4b on sim"),
    ("clocks", "note", "sim"),
    ("workers", "problem", ""),
    ("backlog", "warning", "ollama.control"),
    ("paused", "note", ""),
    ("foreign-variables", "warning", "CELERY_BROKER_URL"),
}


@pytest.fixture
def simulated():
    config = host_config(PresetName.DEMO, speed=1000)
    with simulator_in_thread(config, at=Listening()) as simulator:
        yield simulator.url


@pytest.fixture
def weights(tmp_path):
    """What `/api/show` says of a large model whose file is here."""
    file = tmp_path / f"sha256-{'a' * 64}"
    file.write_bytes(bytes(9 * 2**20))
    row = {"name": "llama3:8b", "digest": "d", "size": 16 * 10**9}
    return SHOWN | {
        ("GET", "/api/version"): {"version": "0.33.0"},
        ("GET", "/api/tags"): {"models": [row]},
        ("POST", "/api/show"): {
            "details": {"quantization_level": "F16"},
            "modelfile": f"FROM {file}\n",
        },
    }


def spoil(url):
    """Somebody loads a model with another context, one lands on the CPU."""
    for fault in ({"fault": "cpu", "model": "qwen3:4b"}, {"fault": "clock_skew"}):
        httpx.post(f"{url}/_sim/faults", json=fault).raise_for_status()
    for model in ("llama3:8b", "qwen3:4b"):
        body = {"model": model, "options": {"num_ctx": 2048}, "keep_alive": "24h"}
        httpx.post(f"{url}/api/generate", json=body).raise_for_status()


def remember(unserved):
    """What passes and loads would have left of the simulated host."""
    now = time.time()
    failing = TargetReport(
        model="llama3:8b",
        wanted="llama3:8b?keep_alive=20s&num_ctx=4096",
        condition=Condition.FAILING,
        since=now - 60,
        why="no room (next try in 30s)",
    )
    write_report(unserved, "sim", targets=(failing,))
    unserved.redis.rpush("ollama-warmup:ollama.control", *"abcde")
    passes = PassStore(unserved.url, namespace="ollama-warmup")
    passes.pause("gpu-9")
    why = "evicted by qwen3:4b"
    event = Event(
        at=now,
        host="sim",
        model="llama3:8b",
        kind=Kind.EVICTED,
        why=why,
        evictors=(Evictor(model="qwen3:4b", is_ours=False),),
    )
    passes.add_events([event])
    passes.close()
    target = Target.of(request.parse(MODELS.partition(",")[0]), host="sim")
    record = LoadRecord(
        task_id="t", attempt=4, ended_at=now, error="OutOfMemory", text="no room"
    )
    store = Store(unserved.url, namespace="ollama-warmup")
    store.write_record("sim", target.key, record)
    store.close()


def keys(unserved):
    return unserved.redis.keys("ollama-warmup:*")


def examine(capsys):
    code = examining.run(show_all=False, as_json=True)
    told = json.loads(capsys.readouterr().out)
    rows = {(f["check"], f["severity"], f["where"]) for f in told["findings"]}
    return code, rows, told


def test_doctor_finds_each_of_the_guides_nine_troubles(
    unserved, environment, monkeypatch, simulated, weights, capsys
):
    spoil(simulated)
    remember(unserved)
    before = {key: unserved.redis.dump(key) for key in keys(unserved)}
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://elsewhere")
    with recorder(weights) as (files, asked_for):
        hosts = {
            "sim": simulated,
            "refused": f"http://127.0.0.1:{free_port()}",
            "no-way": simulated.replace("http:", "https:"),
            "files": files,
        }
        named = ", ".join(f"{name}={url}" for name, url in hosts.items())
        environment(HOSTS=named, MODELS=MODELS)
        code, found, told = examine(capsys)

    assert code == 1
    assert [says for says, row in GUIDE.items() if row not in found] == []
    assert ALSO - found == set()
    assert told["not_checked"] == ["slots"]  # no worker answers
    [storage] = [f for f in told["findings"] if f["check"] == "storage"]
    assert storage["where"] == "llama3:8b on files"
    assert storage["evidence"].startswith("9 MiB of its weights read in ")
    assert set(asked_for) == set(weights)
    after = {key: unserved.redis.dump(key) for key in keys(unserved)}
    assert {k: v for k, v in after.items() if k in before} == before


def test_hosts_that_hang_do_not_delay_doctor(environment, monkeypatch, capsys):
    monkeypatch.setattr(asked, "ALL_S", 1.0)
    monkeypatch.setattr(asked, "MUTE_S", 0.5)
    with ExitStack() as stack:
        ports = [stack.enter_context(mute()) for _ in range(20)]
        named = ", ".join(f"h{n}=http://127.0.0.1:{p}" for n, p in enumerate(ports))
        environment(HOSTS=named, BROKER_URL=f"redis://127.0.0.1:{ports[0]}/0")
        began = time.monotonic()
        code, found, _ = examine(capsys)

    assert time.monotonic() - began < 9  # one after the other: 10
    assert code == 1
    assert {
        where
        for check, kind, where in found
        if (check, kind)
        == (
            "network",
            "problem",
        )
    } == {f"h{n}" for n in range(20)}


def test_doctor_says_how_to_start_redis_and_ollama(environment, monkeypatch, capsys):
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free_port()}")
    environment(
        BROKER_URL=f"redis://:secret@127.0.0.1:{free_port()}/0", MODELS="llama3:8b"
    )

    code = examining.run(show_all=False, as_json=False)

    shown = capsys.readouterr()
    assert code == 1
    assert "start the system: ollama-warmup up" in shown.out
    assert "start Ollama there: ollama serve" in shown.out
    assert "not checked: redis-password, redis-policy, " in shown.out
    assert "secret" not in shown.out + shown.err


def test_doctor_ends_with_1_at_a_wrong_variable(environment, capsys):
    environment(TICKS="3")

    code, found, told = examine(capsys)

    assert code == 1
    assert ("settings", "problem", "") in found
    assert "did you mean OLLAMA_WARMUP_TICK_S?" in told["findings"][0]["what"]


def test_doctor_recognises_a_redis_that_wants_a_password(unserved, capsys):
    unserved.redis.config_set("requirepass", "hunter2")
    try:
        _, found, _ = examine(capsys)
    finally:
        unserved.redis.config_set("requirepass", "")

    assert ("redis-password", "problem", unserved.url.split("/")[2]) in found
