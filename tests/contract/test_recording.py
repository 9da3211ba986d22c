"""The simulator, or a real server, answers as real servers did.

A real one is named by OLLAMA_CONTRACT_URL (with the models of the preset `wire`),
its era by OLLAMA_CONTRACT_VERSION, the log in which its loads are counted by
OLLAMA_CONTRACT_LOG, and how it was started by OLLAMA_CONTRACT_SETTING.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.contract.replay import Json, Server, differences
from worker.simulator.catalog import VERSION
from worker.simulator.presets import PresetName, host_config
from worker.simulator.server import Listening, simulator_in_thread

RECORDING = Path(__file__).parent.parent / "data" / "ollama-wire.json"
SCENARIOS: list[Json] = json.loads(RECORDING.read_text())["scenarios"]
SETTINGS = {"default": 3, "max_loaded_models=1": 1}
"""How many models fit."""

_ENV = os.environ  # noqa: TID251 - switches of this suite, not of the application
URL = _ENV.get("OLLAMA_CONTRACT_URL", "")
LOG = _ENV.get("OLLAMA_CONTRACT_LOG", "")
_REQUIRED = {"OLLAMA_CONTRACT_URL": URL, "OLLAMA_CONTRACT_LOG": LOG}
SETTING = _ENV.get("OLLAMA_CONTRACT_SETTING", "default")
ERA = _ENV.get("OLLAMA_CONTRACT_VERSION", VERSION)

_FITTING = [s for s in SCENARIOS if s["setting"] == SETTING]
_MISSING = [name for name, value in _REQUIRED.items() if not value]
_REASON = f"{len(_FITTING)} scenarios need a real server: set {', '.join(_MISSING)}"
FOR_REAL = (
    [pytest.param("any", marks=pytest.mark.skip(reason=_REASON), id="every scenario")]
    if _MISSING
    else [pytest.param(scenario, id=scenario["name"]) for scenario in _FITTING]
)
"""One that is skipped stands for all."""

Played = dict[str, Future[list[Json]]]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """Every scenario, played at once, each on a simulated server of its own."""
    with contextlib.ExitStack() as stack:
        urls = {name: iter(_urls(stack, limit)) for name, limit in SETTINGS.items()}
        pool = stack.enter_context(ThreadPoolExecutor(len(SCENARIOS)))
        yield {
            scenario["name"]: pool.submit(
                _play, next(urls[scenario["setting"]]), scenario["steps"]
            )
            for scenario in SCENARIOS
        }


def _urls(stack: contextlib.ExitStack, max_loaded_models: int) -> list[str]:
    config = host_config(PresetName.WIRE)
    settings = replace(config.settings, max_loaded_models=max_loaded_models)
    simulator = stack.enter_context(
        simulator_in_thread(
            replace(config, settings=settings), at=Listening(hosts=len(SCENARIOS))
        )
    )
    return simulator.urls


def _play(url: str, steps: list[Json]) -> list[Json]:
    return Server(url, _loads_told).run(steps)


def _loads_told(http: httpx.Client) -> int:
    count: int = http.get("/_sim/stats").json()["loads"]
    return count


def _loads_in_log(_http: httpx.Client) -> int:
    text = Path(LOG).read_text(errors="replace")
    return text.count("starting runner") + text.count("starting llama-server")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s["name"])
def test_the_simulator_answers_as_the_real_server_did(scenario, played):
    seen = played[scenario["name"]].result()

    assert _complaints(scenario["seen"][VERSION], seen) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", FOR_REAL)
def test_a_real_server_answers_as_recorded(scenario):
    seen = Server(URL, _loads_in_log).run(scenario["steps"])

    assert _complaints(scenario["seen"][ERA], seen) == []


def test_every_scenario_is_played_with_a_known_setting():
    assert {scenario["setting"] for scenario in SCENARIOS} == set(SETTINGS)
    assert len(SCENARIOS) == 50


def _complaints(want: list[Json], got: list[Json]) -> list[str]:
    return [
        f"step {number}: {complaint}"
        for number, (one, other) in enumerate(zip(want, got, strict=True), start=1)
        for complaint in differences(one, other)
    ]
