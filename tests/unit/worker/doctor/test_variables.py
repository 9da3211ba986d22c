import pytest

from ollama_warmup import settings
from tests.support.builders import target
from tests.support.facts import facts, host_facts, of
from worker.doctor import gather
from worker.doctor.finding import Check


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        *[(t, True) for t in ("0", "20", "20s", "29.9s", "'5s'", "-1", "-5m")],
        *[(t, False) for t in ("", "5m", "300", "24h", "x", "30s", "1e999")],
    ],
)
def test_a_keep_alive_is_read_as_ollama_reads_it(text, is_found):
    relying = host_facts(targets=(target("llama3:8b"),))
    told = facts(hosts=(relying,), environment={"OLLAMA_KEEP_ALIVE": text})

    assert bool(of(Check.OLLAMA_VARIABLES, told)) is is_found


def test_a_keep_alive_of_the_server_is_no_finding_where_each_target_has_its_own():
    told = facts(environment={"OLLAMA_KEEP_ALIVE": "0"})

    assert of(Check.OLLAMA_VARIABLES, told) == []


@pytest.fixture
def _wrong(monkeypatch):
    """A variable for which nothing else is asked."""
    settings.current.cache_clear()
    monkeypatch.setenv("OLLAMA_WARMUP_TYPO", "1")
    yield
    settings.current.cache_clear()


@pytest.mark.usefixtures("_wrong")
def test_no_secret_is_among_the_facts():
    environment = {
        "OLLAMA_WARMUP_SECRET_GPU": "hunter2",
        "AWS_SECRET": "hunter2",
        "CELERY_BROKER_URL": "redis://elsewhere",
        "OLLAMA_KEEP_ALIVE": "24h",
    }

    told = gather.gather(environment)

    assert set(told.environment) == {"CELERY_BROKER_URL", "OLLAMA_KEEP_ALIVE"}
    assert "OLLAMA_WARMUP_TYPO" in told.settings_problem
