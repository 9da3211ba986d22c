import pytest
from celery import Celery

from ollama_warmup import settings
from ollama_warmup.errors import BadSettings
from worker import healthfile


@pytest.fixture
def name(monkeypatch):
    """Names the file, as the environment does."""

    def told(path):
        monkeypatch.setenv("OLLAMA_WARMUP_HEALTH_FILE", str(path))
        settings.current.cache_clear()

    yield told
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.fixture
def scheduler():
    return healthfile.Scheduler(Celery(set_as_current=False), lazy=True)


def test_beat_touches_the_file_at_each_tick(tmp_path, name, scheduler):
    name(tmp_path / "healthy")

    scheduler.tick()
    assert (tmp_path / "healthy").exists()
    (tmp_path / "healthy").unlink()
    scheduler.tick()

    assert (tmp_path / "healthy").exists()


def test_without_a_file_beat_ticks_all_the_same(name, scheduler):
    name("")

    assert scheduler.tick() == scheduler.max_interval


def test_a_health_file_that_cannot_be_written_is_refused_with_its_path(tmp_path, name):
    name(tmp_path / "nowhere" / "healthy")

    with pytest.raises(BadSettings, match=r"cannot write .*/nowhere/healthy \(No such"):
        healthfile.touch()
