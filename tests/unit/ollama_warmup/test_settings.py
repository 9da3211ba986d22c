import traceback
from pathlib import Path

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
def test_a_malformed_ollama_host_is_refused_with_the_forms_to_write(text, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", text)

    with pytest.raises(BadSettings, match=r"OLLAMA_HOST: .*write host, host:port"):
        settings.read()


@pytest.mark.parametrize("text", ["ftp://me:hunter2@gpu", "http://me:hunter2@gpu:x"])
def test_the_refusal_of_a_malformed_url_does_not_show_its_login(text):
    with pytest.raises(ValueError, match="…@gpu") as refusal:
        settings.host_url(text)

    assert "hunter2" not in str(refusal.value)


def test_without_variables_everything_has_its_default():
    defaults = settings.read()

    assert defaults.ollama_host == "http://127.0.0.1:11434"
    assert defaults.broker_url == "redis://127.0.0.1:6379/0"
    assert defaults.namespace == "ollama-warmup"
    assert defaults.named_hosts == {}
    assert defaults.models == ""
    assert defaults.load_ceiling_s == 1800
    assert defaults.warnings() == []


def test_several_hosts_are_read_by_name_in_their_order(monkeypatch):
    monkeypatch.setenv(
        "OLLAMA_WARMUP_HOSTS", "gpu-2=http://10.0.0.6:11434, gpu-1 = 10.0.0.5,"
    )

    assert list(settings.read().named_hosts.items()) == [
        ("gpu-2", "http://10.0.0.6:11434"),
        ("gpu-1", "http://10.0.0.5:11434"),
    ]


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ("http://10.0.0.5:11434", "write NAME=URL"),
        ("GPU=10.0.0.5", "1 to 40 of a-z, 0-9 and -"),
        (f"{'x' * 41}=10.0.0.5", "1 to 40 of a-z"),
        ("=10.0.0.5", "write NAME=URL"),
        ("gpu=10.0.0.5, gpu=10.0.0.6", "host gpu is named twice"),
        ("gpu=ftp://10.0.0.5", r"write host, host:port or http\(s\)"),
        ("gpu=10.0.0.5:x", "write host, host:port"),
    ],
)
def test_a_wrong_list_of_hosts_is_refused_with_the_syntax(hosts, sentence, monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_HOSTS", hosts)

    with pytest.raises(BadSettings, match=f"^OLLAMA_WARMUP_HOSTS: .*{sentence}"):
        settings.read()


def test_ollama_host_beside_named_hosts_is_ignored_with_a_warning(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_HOSTS", "gpu-1=10.0.0.5")
    monkeypatch.setenv("OLLAMA_HOST", "10.0.0.9")

    told = settings.read()

    assert told.named_hosts == {"gpu-1": "http://10.0.0.5:11434"}
    assert told.warnings() == [
        "OLLAMA_HOST is ignored, because OLLAMA_WARMUP_HOSTS names the hosts"
    ]


def test_ollama_host_alone_has_its_effect_and_no_warning(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "10.0.0.9")

    assert settings.read().ollama_host == "http://10.0.0.9:11434"
    assert settings.read().warnings() == []


@pytest.mark.parametrize("ceiling", ["0", "-1", "86401", "nan", "30m"])
def test_a_ceiling_outside_a_second_to_a_day_is_refused(ceiling, monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_LOAD_CEILING_S", ceiling)

    with pytest.raises(BadSettings, match=r"^OLLAMA_WARMUP_LOAD_CEILING_S: "):
        settings.read()


def test_the_settings_of_a_process_are_read_once(monkeypatch):
    settings.current.cache_clear()
    first = settings.current()
    monkeypatch.setenv("OLLAMA_HOST", "10.0.0.9")

    assert settings.current() is first


def test_an_unknown_variable_is_refused_with_the_nearest_known_one(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_BROKER_UR", "redis://x")

    with pytest.raises(BadSettings, match="did you mean OLLAMA_WARMUP_BROKER_URL"):
        settings.read()


def test_another_broker_than_redis_is_refused_without_showing_its_password(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_BROKER_URL", "amqp://me:secret@mq")

    with pytest.raises(BadSettings, match=r"BROKER_URL: .*redis://") as e:
        settings.read()

    assert "secret" not in str(e.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OLLAMA_HOST", "http://me:hunter2@gpu:x"),
        ("OLLAMA_WARMUP_HOSTS", "gpu-1=http://me:hunter2@gpu:x"),
        ("OLLAMA_WARMUP_HOSTS", "GPU=http://me:hunter2@gpu"),
        ("OLLAMA_WARMUP_HOSTS", "http://me:hunter2@gpu"),
        ("OLLAMA_WARMUP_BROKER_URL", "amqp://me:hunter2@mq"),
        ("OLLAMA_WARMUP_WEB_TOKEN", "hunter2 and more"),
    ],
)
def test_no_traceback_of_a_wrong_variable_shows_a_secret(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(BadSettings) as refusal:
        settings.read()

    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


def test_a_namespace_that_could_meet_another_is_refused(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_NAMESPACE", "a:b")

    with pytest.raises(BadSettings, match="OLLAMA_WARMUP_NAMESPACE"):
        settings.read()


def test_a_secret_variable_is_known_and_stands_in_no_setting(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_SECRET_GPU", "hunter2")

    assert "hunter2" not in repr(settings.read())


def test_a_secret_is_read_from_its_variable_at_each_use(monkeypatch):
    for value in ("hunter2", "hunter3\n"):
        monkeypatch.setenv("OLLAMA_WARMUP_SECRET_GPU", value)

        assert settings.secret("${env.OLLAMA_WARMUP_SECRET_GPU}") == value.strip()


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_secret_that_is_not_set_is_refused_with_its_name(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("OLLAMA_WARMUP_SECRET_GPU", value)

    with pytest.raises(BadSettings, match="OLLAMA_WARMUP_SECRET_GPU is not set"):
        settings.secret("${env.OLLAMA_WARMUP_SECRET_GPU}")


@pytest.mark.parametrize("value", ["hunter 2", "hunter\n2", "hünter2"])
def test_a_secret_that_is_not_a_valid_token_is_refused_and_not_shown(
    monkeypatch, value
):
    monkeypatch.setenv("OLLAMA_WARMUP_SECRET_GPU", value)

    with pytest.raises(BadSettings, match="without spaces") as refusal:
        settings.secret("${env.OLLAMA_WARMUP_SECRET_GPU}")

    assert "nter" not in str(refusal.value)


@pytest.mark.parametrize(
    "template",
    [
        "hunter2",
        "",
        "${env.HOME}",
        "${env.OLLAMA_WARMUP_BROKER_URL}",
        "${env.OLLAMA_WARMUP_SECRET_}",
        "${env.OLLAMA_WARMUP_SECRET_GPU} ",
        "x${env.OLLAMA_WARMUP_SECRET_GPU}",
        "$OLLAMA_WARMUP_SECRET_GPU",
    ],
)
def test_a_token_that_does_not_name_a_secret_is_refused_and_not_shown(template):
    with pytest.raises(BadSettings, match="set that variable") as refusal:
        settings.secret(template)

    assert "hunter2" not in str(refusal.value)


def test_the_token_of_the_status_page_is_shown_nowhere(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_WEB_TOKEN", "hunter2")

    told = settings.read()

    assert told.web_token.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(told) + told.model_dump_json()


@pytest.mark.parametrize("value", ["hunter 2", "hünter2", "hunter2\n"])
def test_a_token_that_no_browser_could_send_is_refused_and_not_shown(
    monkeypatch, value
):
    monkeypatch.setenv("OLLAMA_WARMUP_WEB_TOKEN", value)

    with pytest.raises(BadSettings, match="WEB_TOKEN: write it in ASCII") as refusal:
        settings.read()

    assert "nter" not in str(refusal.value)


def test_the_file_of_the_warm_list_is_found_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", "warmlist.yaml")

    assert settings.read().config == tmp_path / "warmlist.yaml"


def test_the_file_of_the_warm_list_may_be_below_home_or_none(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", "~/warmlist.yaml")
    assert settings.read().config == Path.home() / "warmlist.yaml"

    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", "")
    assert settings.read().config is None
