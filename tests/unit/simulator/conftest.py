"""Simulated servers over HTTP: one as recorded, one to look at."""

import httpx
import pytest

from worker.simulator.presets import PresetName, host_config
from worker.simulator.server import simulator_in_thread


@pytest.fixture(scope="module")
def api():
    config = host_config(PresetName.WIRE, speed=100)
    with (
        simulator_in_thread(config) as simulator,
        httpx.Client(base_url=simulator.url) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def demo():
    config = host_config(PresetName.DEMO, speed=1000)
    with (
        simulator_in_thread(config) as simulator,
        httpx.Client(base_url=simulator.url) as client,
    ):
        yield client
