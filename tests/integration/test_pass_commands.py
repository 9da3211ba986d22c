"""`ps`, `plan`, `events`, `pause` and `resume` beside an `up` whose passes act."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.recorder import SHOWN, recorder
from tests.support.system import running_system
from tests.support.up import ALONE, COMMAND, Up
from tests.support.waiting import until
from worker.adapters.passstore import PassStore
from worker.cli import cli

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")

MODELS = "tiny?num_ctx=2048&keep_alive=30m, nope"


@pytest.fixture(scope="module")
def simulated():
    with running_system() as system:
        far = ("far?pull=300ms&size=1GB",)
        [ollama] = system.simulate("gpu-1", models=far, flags=("--preset", "wire"))
        system.wait_ready()
        yield ollama


@pytest.fixture(scope="module")
def up(simulated, tmp_path_factory):
    told = {
        "OLLAMA_WARMUP_ENABLED": "true",
        "OLLAMA_WARMUP_MODELS": MODELS,
        "OLLAMA_WARMUP_TICK_S": "2",
    }
    hosts = f"gpu-1={simulated.url}"
    state = tmp_path_factory.mktemp("state")
    running = Up(*(state, simulated.url, *ALONE), hosts=hosts, more=told).ready()
    yield running.wait_until_said("tiny on gpu-1 is warm")
    running.end()


def test_up_prints_changes_of_conditions_and_no_line_for_each_pass(up):
    said = "".join(up.lines)

    assert "keeps 2 targets warm, with a pass every 2s" in said
    assert "control nope on gpu-1 is failing: gpu-1 does not have it" in said
    assert said.count("Connected to redis") == 1
    assert said.count("OLLAMA_HOST is ignored") == 1
    assert "Pass: " not in said


def test_ps_finds_the_running_up_and_says_that_one_is_not_ready(up):
    ended = up.run("ps")

    _, tiny, nope = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert tiny.split()[:3] == ["gpu-1", "tiny", "warm"]
    assert re.search(r" 2048 +(29|30) minutes from now  keep_alive=30m&num_ctx", tiny)
    assert "failing" in nope
    assert "run `ollama pull nope` there" in nope
    assert "\t" not in ended.stdout
    assert ended.stderr == ""


def test_ps_of_a_ready_target_ends_with_0_and_prints_one_document(up):
    ended = up.run("ps", "gpu-1", "tiny", "--json")

    [host] = json.loads(ended.stdout)["hosts"]
    assert ended.returncode == 0
    assert [t["model"] for t in host["targets"]] == ["tiny"]
    assert host["is_old"] is False


def test_events_show_how_a_model_became_warm(up):
    ended = up.run("events", "tiny", "--since", "1h")

    told = [line.split()[2:] for line in ended.stdout.splitlines()[1:]]
    assert ended.returncode == 0
    assert told[0][:4] == ["gpu-1", "tiny", "changed", "queued"]
    assert told[-1][-2:] == ["->", "warm"]


def test_a_pause_puts_a_model_to_sleep_until_it_is_taken_back(up, simulated):
    follower = subprocess.Popen(
        [*COMMAND, "events", "-n", "1", "--follow", "--json"],
        env=up.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout
    follower.stdout.readline()  # it follows from here on

    paused = up.run("pause", "library/TINY:latest")
    up.wait_until_said("tiny on gpu-1 is asleep (was warm)")
    planned = up.run("plan", "gpu-1", "--json")
    simulated.unload("tiny")
    warmed = up.run("warm", "tiny")
    resumed = up.run("resume")

    assert (paused.stdout, paused.returncode) == ("paused: tiny:latest\n", 0)
    tiny, _ = json.loads(planned.stdout)["hosts"][0]["targets"]
    assert (tiny["condition"], tiny["action"]) == ("asleep", None)
    assert warmed.returncode == 0, warmed.stderr
    assert (resumed.stdout, resumed.returncode) == ("nothing is paused\n", 0)
    heard = json.loads(follower.stdout.readline())
    assert (heard["before"], heard["after"]) == ("warm", "asleep")
    follower.send_signal(signal.SIGINT)
    assert follower.wait(timeout=40) == 0
    follower.stdout.close()


@pytest.fixture
def store(up):
    store = PassStore(up.broker_url, namespace="ollama-warmup")
    yield store
    for name in store.paused():
        store.resume(name)
    store.close()


def test_a_pause_within_a_pause_stays_and_says_so(up, store):
    store.pause("*")
    store.pause("gpu-1")

    ended = up.run("resume", "gpu-1")

    assert ended.returncode == 1
    assert ended.stdout == "paused: everything\n"
    assert "gpu-1 stays paused" in ended.stderr


@pytest.fixture
def here(up, environment):
    """Runs a command in this process, which costs less than one of its own."""
    environment(BROKER_URL=up.broker_url)
    return lambda *words: CliRunner().invoke(cli, words)


def test_unload_also_pauses_a_declared_model(here, store, simulated):
    ended = here("unload", "tiny", "nope")
    paused = store.paused()
    time.sleep(2 * 2)  # two ticks, which would have loaded it again
    still = "tiny:latest" in simulated.resident()
    resumed = here("resume", "tiny")

    assert ended.exit_code == 0
    assert ended.stdout.splitlines() == [
        "tiny: unloaded, on gpu-1",
        "nope: not loaded, on gpu-1",
    ]
    assert "tiny:latest on gpu-1 is paused" in ended.stderr
    assert "ollama-warmup resume tiny:latest" in ended.stderr
    assert len(paused) == 2
    assert still is False
    assert resumed.stdout == "paused: nope:latest on gpu-1\n"
    until(lambda: "tiny:latest" in simulated.resident(), "tiny is loaded again")


def test_pull_prints_the_outcome_for_each_model(here):
    ended = here("pull", "far", "--json")
    again = here("pull", "far")
    wrong = here("pull", "nowhere")

    [far] = json.loads(ended.stdout)["models"]
    assert ended.exit_code == 0, ended.stderr
    assert (far["result"]["outcome"], far["result"]["host"]) == ("pulled", "gpu-1")
    assert again.stdout.endswith(" s, 1.0 GB, on gpu-1\n")
    assert again.stdout.startswith("far: already there, ")
    assert (wrong.exit_code, wrong.stdout) == (1, "nowhere: failed (UnknownModel)\n")


def test_pause_refuses_an_unknown_model_without_force(up, store):
    refused = up.run("pause", "tino")

    assert refused.returncode == 2
    assert "did you mean tiny?" in refused.stderr
    assert store.paused() == frozenset()
    assert up.run("pause", "tino", "--force").stdout == "paused: tino:latest\n"


def everything(client, namespace):
    """Every key of a namespace with its value, and when it goes."""
    keys = sorted(client.keys(f"{namespace}:*"))
    return [(key, client.dump(key), client.pexpiretime(key)) for key in keys]


def test_plan_prints_the_next_actions_and_changes_nothing(up):
    client = up.broker()
    client.sadd("planned:paused", "gpu-2")
    before, outside = everything(client, "planned"), keys_outside(client)
    with recorder() as (url, asked):
        ended = run_plan(up, url)

    assert ended.returncode == 0, ended.stderr
    assert [line.split() for line in ended.stdout.splitlines()[1:]] == [
        ["gpu-1", "tiny", "cold", "warm", "not", "loaded"],
        ["gpu-2", "tiny", "asleep", "nothing", "paused"],
    ]
    assert "passes are not enabled" in ended.stderr
    assert everything(client, "planned") == before
    assert keys_outside(client) <= outside
    assert set(asked) == set(SHOWN)


def keys_outside(client):
    keys = client.keys("*")
    return {key for key in keys if not key.startswith(b"ollama-warmup:")}


def run_plan(up, url):
    return up.run(
        "plan",
        OLLAMA_WARMUP_BROKER_URL=up.broker_url,
        OLLAMA_WARMUP_ENABLED="false",
        OLLAMA_WARMUP_HOSTS=f"gpu-1={url}, gpu-2={url}",
        OLLAMA_WARMUP_MODELS="tiny",
        OLLAMA_WARMUP_NAMESPACE="planned",
    )
