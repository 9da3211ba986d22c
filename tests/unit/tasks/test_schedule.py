"""The arguments that tasks of passes refuse before they send a request."""

import pytest

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import BadRequest, UnknownHost
from tasks import schedule


@pytest.fixture(autouse=True)
def wanted(monkeypatch):
    """A host where no server listens, and a model that is wanted there."""

    def forget():
        settings.current.cache_clear()
        warmlist.forget()

    monkeypatch.setenv("OLLAMA_WARMUP_HOSTS", "gpu=http://127.0.0.1:1")
    monkeypatch.setenv("OLLAMA_WARMUP_MODELS", "tiny")
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "127.0.0.1:1", ["gpu"], None])
def test_a_host_that_is_not_configured_is_asked_for_nothing(host):
    with pytest.raises(UnknownHost):
        schedule.cure(host, "tiny")
    with pytest.raises(UnknownHost):
        schedule.touch("tiny", host, "sha256-1")
    if host is not None:  # which means all
        with pytest.raises(UnknownHost):
            schedule.reconcile(host)


@pytest.mark.parametrize(
    ("model", "digest", "num_ctx"),
    [
        ("other", "sha256-1", None),
        (5, "sha256-1", None),
        ("tiny", 5, None),
        ("tiny", "", None),
        ("tiny", "x" * 1_001, None),
        ("tiny", "sha256-1", "4096"),
        ("tiny", "sha256-1", True),
    ],
)
def test_a_touch_with_arguments_that_no_pass_sends_is_refused(model, digest, num_ctx):
    with pytest.raises(BadRequest):
        schedule.touch(model, "gpu", digest, num_ctx)


@pytest.mark.parametrize("resident", [None, 5, ["tiny"], "", "x" * 1_001])
def test_a_cure_by_a_malformed_name_is_refused(resident):
    with pytest.raises(BadRequest):
        schedule.cure("gpu", resident)
