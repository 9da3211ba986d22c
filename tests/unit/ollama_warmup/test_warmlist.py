import pytest

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import BadSettings


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


def test_without_named_hosts_the_only_one_wants_them(read):
    assert [t.host for t in read("llama3:8b", hosts="")] == ["default"]


@pytest.mark.parametrize("models", ["", " ", ",", " , ,"])
def test_nothing_declared_is_nothing_wanted(read, models):
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
