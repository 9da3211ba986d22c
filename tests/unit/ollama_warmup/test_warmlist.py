import pytest

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import BadSettings
from ollama_warmup.warmlist import Host


@pytest.fixture
def read(monkeypatch):
    def read(models, hosts="gpu-1=10.0.0.5, gpu-2=10.0.0.6"):
        monkeypatch.setenv("OLLAMA_WARMUP_MODELS", models)
        monkeypatch.setenv("OLLAMA_WARMUP_HOSTS", hosts)
        return warmlist.read(settings.read()).targets

    return read


def test_every_host_wants_every_model_in_the_order_written(read):
    wanted = read("llama3:8b?num_ctx=8192&keep_alive=30m, nomic-embed-text")

    assert [(t.host, t.model, t.options.num_ctx, t.keep_alive_s) for t in wanted] == [
        ("gpu-1", "llama3:8b", 8192, 1800),
        ("gpu-1", "nomic-embed-text", None, None),
        ("gpu-2", "llama3:8b", 8192, 1800),
        ("gpu-2", "nomic-embed-text", None, None),
    ]


def test_without_named_hosts_the_default_host_wants_every_model(read):
    assert [t.host for t in read("llama3:8b", hosts="")] == ["default"]


@pytest.mark.parametrize("models", ["", " ", ",", " , ,"])
def test_an_empty_list_of_models_wants_nothing(read, models):
    assert read(models) == ()


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        ("llama3:8b, a b", "'a b' is no model name"),
        ("llama3:8b?nun_ctx=1", "did you mean num_ctx"),
        ("llama3:8b?keep_alive=-1", "such as 24h"),
        ("gpt-oss:120b-cloud", "nothing to warm"),
        ("phi3, library/PHI3:latest?num_ctx=512", "phi3:latest is named twice"),
    ],
)
def test_a_wrong_model_is_refused_with_the_variable_and_the_reason(
    read, models, sentence
):
    with pytest.raises(BadSettings, match=r"^OLLAMA_WARMUP_MODELS: ") as refusal:
        read(models)

    assert sentence.lower() in str(refusal.value).lower()


@pytest.mark.parametrize(
    ("models", "enabled", "sentences"),
    [
        ("", "false", []),
        ("phi3", "true", []),
        ("phi3", "false", ["OLLAMA_WARMUP_ENABLED=true"]),
        ("", "true", ["set OLLAMA_WARMUP_MODELS, or OLLAMA_WARMUP_CONFIG"]),
        ("phi3?seed=1", "true", ["Ignoring options of phi3"]),
    ],
)
def test_a_missing_setting_is_one_warning_that_names_its_variable(
    monkeypatch, models, enabled, sentences
):
    monkeypatch.setenv("OLLAMA_WARMUP_MODELS", models)
    monkeypatch.setenv("OLLAMA_WARMUP_ENABLED", enabled)

    told = settings.read()
    warned = warmlist.warnings(told, warmlist.read(told))

    assert len(warned) == len(sentences)
    assert all(a in b for a, b in zip(sentences, warned, strict=True))


TEMPLATE = "${env.OLLAMA_WARMUP_SECRET_GPU}"


def test_a_host_without_a_token_is_sent_no_authorization():
    assert Host(name="gpu-1", url="http://gpu").authorization() == {}


def test_a_token_is_put_in_at_use_and_is_in_no_representation(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_SECRET_GPU", "hunter2")
    host = Host(name="gpu-1", url="http://gpu", token=TEMPLATE)

    assert host.authorization() == {"Authorization": "Bearer hunter2"}
    assert "hunter2" not in repr(host)
