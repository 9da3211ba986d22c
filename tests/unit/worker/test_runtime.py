import pytest

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import UnknownHost
from worker import runtime

KEYS = "{url: 10.0.0.5, token: '${env.OLLAMA_WARMUP_SECRET_GPU}'}"


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file of the warm list, in a process that has just begun."""
    path = tmp_path / "warmlist.yaml"
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", str(path))
    settings.current.cache_clear()
    warmlist.forget()
    yield path
    runtime.close()
    settings.current.cache_clear()
    warmlist.forget()


def test_a_host_keeps_its_connection_while_its_entry_is_the_same(file):
    file.write_text("hosts: {gpu-1: 10.0.0.5}")
    first = runtime.ollama("gpu-1")

    file.write_text("hosts: {gpu-1: 10.0.0.5, gpu-2: 10.0.0.6}")

    assert runtime.ollama("gpu-1") is first


@pytest.mark.parametrize("entry", ["10.0.0.7", KEYS], ids=["url", "token"])
def test_a_changed_host_has_a_new_connection_at_once(file, entry):
    file.write_text("hosts: {gpu-1: 10.0.0.5}")
    first = runtime.ollama("gpu-1")

    file.write_text(f"hosts: {{gpu-1: {entry}}}")

    assert runtime.ollama("gpu-1") is not first
    assert runtime.ollama("gpu-1") is runtime.ollama("gpu-1")


def test_a_host_that_is_gone_is_told_with_those_that_are_left(file):
    file.write_text("hosts: {gpu-1: 10.0.0.5}")
    runtime.ollama("gpu-1")

    file.write_text("hosts: {gpu-2: 10.0.0.6}")

    with pytest.raises(UnknownHost, match="the hosts are gpu-2"):
        runtime.ollama("gpu-1")
