import pytest

from ollama_warmup import settings
from ollama_warmup.errors import BadSettings


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("example.com", "http://example.com:11434"),
        ("example.com:80", "http://example.com:80"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::]:11434", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("http://gpu", "http://gpu:80"),
        ("https://gpu", "https://gpu:443"),
        ("https://gpu:8443/ollama/", "https://gpu:8443/ollama"),
        ("https://me:secret@gpu", "https://me:secret@gpu:443"),
        (' "gpu:1" ', "http://gpu:1"),
    ],
)
def test_ollama_host_is_read_in_all_the_forms_that_ollama_takes(text, url):
    assert settings.host_url(text) == url


@pytest.mark.parametrize("text", ["gpu:x", "gpu:99999", "ftp://gpu", "[::1"])
def test_an_ollama_host_that_is_none_is_refused_with_the_forms(text, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", text)

    with pytest.raises(BadSettings, match=r"OLLAMA_HOST: .*write host, host:port"):
        settings.read()


def test_without_variables_everything_has_its_default():
    defaults = settings.read()

    assert defaults.hosts == {"default": "http://127.0.0.1:11434"}
    assert defaults.broker_url == "redis://127.0.0.1:6379/0"
    assert defaults.namespace == "ollama-warmup"


def test_an_unknown_variable_is_refused_with_the_nearest_known_one(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_BROKER_UR", "redis://x")

    with pytest.raises(BadSettings, match="did you mean OLLAMA_WARMUP_BROKER_URL"):
        settings.read()


def test_another_broker_than_redis_is_refused_without_showing_its_password(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_BROKER_URL", "amqp://me:secret@mq")

    with pytest.raises(BadSettings, match=r"BROKER_URL: .*redis://") as e:
        settings.read()

    assert "secret" not in str(e.value)


def test_a_namespace_that_could_meet_another_is_refused(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_NAMESPACE", "a:b")

    with pytest.raises(BadSettings, match="OLLAMA_WARMUP_NAMESPACE"):
        settings.read()
