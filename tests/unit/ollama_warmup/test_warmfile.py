import math

import pytest

from ollama_warmup import settings, warmlist
from ollama_warmup.errors import BadSettings
from ollama_warmup.request import RunnerOptions

HOSTS = """\
hosts:
  gpu-1: 10.0.0.5
  gpu-2:
    url: https://10.0.0.6/ollama/
    token: ${env.OLLAMA_WARMUP_SECRET_GPU2}
"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Takes a file's text, and gives the warm list that it is."""
    file = tmp_path / "warmlist.yaml"
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", str(file))

    def read(text):
        file.write_text(text)
        return warmlist.read(settings.read())

    return read


def test_hosts_are_read_in_their_order_with_the_name_of_a_token(read):
    hosts = read(HOSTS).hosts

    assert [(h.name, h.url, h.token) for h in hosts.values()] == [
        ("gpu-1", "http://10.0.0.5:11434", None),
        (
            *("gpu-2", "https://10.0.0.6:443/ollama"),
            "${env.OLLAMA_WARMUP_SECRET_GPU2}",
        ),
    ]


def test_hosts_of_the_file_are_named(read):
    assert read(HOSTS).is_named
    assert not read("models: []").is_named


def test_a_model_as_text_and_as_keys_means_the_same(read):
    text, keys = read("""\
models:
  - llama3:8b?num_ctx=8192&use_mmap=false&keep_alive=30m
  - model: phi3
    options: {num_ctx: 8192, use_mmap: false}
    keep_alive: 30m
""").targets

    assert (text.model, keys.model) == ("llama3:8b", "phi3")
    assert text.options == keys.options == RunnerOptions(num_ctx=8192, use_mmap=False)
    assert text.keep_alive_s == keys.keep_alive_s == 1800


def test_a_key_that_is_left_out_has_its_default(read):
    (target,) = read("models: [{model: phi3}]").targets

    assert target.host == "default"
    assert target.options == RunnerOptions()
    assert target.keep_alive_s is None
    assert (target.priority, target.critical, target.pull) == (0, False, False)
    assert target.sample is None


def test_every_key_of_a_model_is_read(read):
    (target,) = read(f"""\
{HOSTS}
models:
  - model: phi3
    priority: -5
    critical: true
    pull: true
    hosts: [gpu-2]
    sample:
      - {{role: system, content: Be brief.}}
      - {{role: user, content: Hello}}
""").targets

    assert target.host == "gpu-2"
    assert (target.priority, target.critical, target.pull) == (-5, True, True)
    assert target.sample == (("system", "Be brief."), ("user", "Hello"))


def test_a_model_takes_from_the_defaults_only_the_keys_that_it_does_not_state(read):
    bare, text, keys = read("""\
defaults:
  keep_alive: 30m
  options: {num_thread: 8}
  priority: 3
  critical: true
  sample: Hello
models:
  - phi3
  - llama3:8b?num_ctx=8192
  - {model: mistral, options: {}, keep_alive: 5m, priority: 0, critical: false}
""").targets

    assert (bare.options.num_thread, bare.keep_alive_s) == (8, 1800)
    assert text.options == RunnerOptions(num_ctx=8192)
    assert text.keep_alive_s == 1800
    assert keys.options == RunnerOptions()
    assert (keys.keep_alive_s, keys.priority, keys.critical) == (300, 0, False)
    assert [t.sample for t in (bare, text, keys)] == ["Hello"] * 3
    assert bare.priority == text.priority == 3


@pytest.mark.parametrize("written", ["-1", '"-1"'])
def test_keep_alive_minus_1_with_keep_alive_forever_means_for_ever(read, written):
    (target,) = read(f"""\
models:
  - {{model: phi3, keep_alive: {written}, keep_alive_forever: true}}
""").targets

    assert target.keep_alive_s == math.inf


def test_a_keep_alive_of_its_own_ends_a_default_for_ever(read):
    forever, timed = read("""\
defaults: {keep_alive: -1, keep_alive_forever: true}
models: [phi3, {model: llama3, keep_alive: 5m}]
""").targets

    assert (forever.keep_alive_s, timed.keep_alive_s) == (math.inf, 300)


def test_a_model_may_be_wanted_with_other_options_on_another_host(read):
    wanted = read(f"""\
{HOSTS}
models:
  - {{model: phi3, hosts: [gpu-1], options: {{num_ctx: 512}}}}
  - {{model: phi3, hosts: [gpu-2]}}
""").targets

    assert [(t.host, t.options.num_ctx) for t in wanted] == [
        ("gpu-1", 512),
        ("gpu-2", None),
    ]


def test_sampling_options_are_left_out_and_noted(read):
    listed = read("""\
models:
  - phi3?seed=1&num_ctx=512
  - {model: llama3, options: {stop: [a, b], temperature: 0.1, num_ctx: 512}}
""")

    assert [t.options.given() for t in listed.targets] == [{"num_ctx": 512}] * 2
    assert listed.notes == (
        "Ignoring options of phi3 that never reload a model: seed",
        "Ignoring options of llama3 that never reload a model: stop, temperature",
    )


def model(line):
    return f"{HOSTS}models:\n  - phi3\n  - model: llama3\n    {line}\n"


WRONG = [
    (model("keep_alive: 300"), 9, "models[1].keep_alive", "write 300s"),
    (model("keep_alive: -1"), 9, "models[1].keep_alive", "keep_alive_forever says"),
    (model("keep_alive:"), 9, "models[1].keep_alive", "write a number and a unit"),
    (model("keep_alive_forever: true"), 8, "models[1].keep_alive", "keep_alive -1"),
    (model("options: {num_ctx: 3}"), 9, "models[1].options.num_ctx", "from 4"),
    (model("options: {num_ctx: '9'}"), 9, "models[1].options.num_ctx", "whole number"),
    (model("options: {num_ctx: 9.0}"), 9, "models[1].options.num_ctx", "whole number"),
    (model("options: {num_ctx: true}"), 9, "models[1].options.num_ctx", "whole number"),
    (model("options: {num_ctx: }"), 9, "models[1].options.num_ctx", "whole number"),
    (model("options: {shift: 1}"), 9, "models[1].options.shift", "shift=true"),
    (model("options: {nun_ctx: 9}"), 9, "models[1].options.nun_ctx", "mean num_ctx?"),
    (model("options: {keep_alive: 9m}"), 9, "options.keep_alive", "beside `options`"),
    (model("options: [num_ctx]"), 9, "models[1].options", "write a mapping"),
    (model("num_ctx: 9"), 9, "models[1].num_ctx", "below `options`"),
    (model("sampel: x"), 9, "models[1].sampel", "did you mean sample?"),
    (model("zzz: x"), 9, "models[1].zzz", "known are critical, hosts, keep_alive"),
    (model("priority: high"), 9, "models[1].priority", "write a whole number"),
    (model("priority: '1'"), 9, "models[1].priority", "write a whole number"),
    (model("critical: 'yes'"), 9, "models[1].critical", "write true or false"),
    (model("hosts: gpu-1"), 9, "models[1].hosts", "write a list"),
    (model("hosts: []"), 9, "models[1].hosts", "at least one, or leave it out"),
    (model("hosts: [gpu-3]"), 9, "models[1].hosts[0]", "the hosts are gpu-1, gpu-2"),
    (model("hosts: [gpu-1, gpu-1]"), 9, "models[1].hosts[1]", "stands here twice"),
    (model("sample: ''"), 9, "models[1].sample", "is empty"),
    (model("sample:"), 9, "models[1].sample", "write text, or a list"),
    (model("sample: [{role: x, content: y}]"), 9, "sample[0].role", "write 'system'"),
    (model("sample: [{role: user}]"), 9, "sample[0].content", "is missing"),
    (model("pull: true\n    pull: true"), 10, "the key pull", "keep one"),
    (model("{"), 10, "this is no YAML", "mend this line"),
    ("models:\n- modle: phi3\n", 2, "models[0].modle", "did you mean model?"),
    ("models:\n- {critical: true}\n", 2, "models[0].model", "is missing"),
    ("models:\n- model: phi3?num_ctx=9\n", 2, "models[0].model", "below `options`"),
    ("models:\n- model: a b\n", 2, "models[0].model", "is no model name"),
    ("models:\n- model: x:cloud\n", 2, "models[0].model", "nothing to warm"),
    ("models:\n- phi3?num_ctx=x\n", 2, "models[0]", "write a whole number"),
    ("models:\n- 5\n", 2, "models[0]", "write text, or a mapping"),
    ("models:\n- phi3\n- PHI3:latest?num_ctx=9\n", 3, "models[1]", "named twice"),
    ("models: phi3\n", 1, "models", "write a list"),
    ("model: phi3\n", 1, "model", "did you mean models?"),
    ("- phi3\n", 1, "", "write a mapping"),
    ("", 1, "", "write `models: []` if nothing is wanted"),
    ("# a comment\n", 1, "", "write `models: []` if nothing is wanted"),
    ("hosts: {}\n", 1, "hosts", "at least one, or leave it out"),
    ("hosts:\n  GPU: 10.0.0.5\n", 2, "hosts.GPU", "1 to 40 of a-z, 0-9 and -"),
    ("hosts:\n  a: ftp://x\n", 2, "hosts.a", "write host, host:port"),
    ("hosts:\n  a:\n", 2, "hosts.a", "write text, or a mapping"),
    ("hosts:\n  a: {url: x, token: x}\n", 2, "hosts.a.token", "${env.OLLAMA_WARMUP_"),
    ("hosts:\n  a: {token: ''}\n", 2, "hosts.a.url", "is missing"),
    (
        "hosts:\n  a: {url: u@x, token: '${env.OLLAMA_WARMUP_SECRET_A}'}\n",
        2,
        "",
        "login",
    ),
    ("hosts:\n  a: {ulr: x}\n", 2, "hosts.a.ulr", "did you mean url?"),
    ("defaults:\n  keep_alive: 1s\n", 2, "defaults.keep_alive", "at least 2s"),
    (
        "defaults:\n  options:\n    num_ctx: 1\n",
        3,
        "defaults.options.num_ctx",
        "from 4",
    ),
    ("defaults:\n  model: phi3\n", 2, "defaults.model", "unknown key"),
]


@pytest.mark.parametrize(("text", "line", "path", "way_out"), WRONG)
def test_a_mistake_in_the_file_is_refused_with_file_line_path_and_way_out(
    read, text, line, path, way_out
):
    with pytest.raises(BadSettings) as refusal:
        read(text)

    where, _, sentence = str(refusal.value).partition(f":{line}: ")
    assert where.endswith("warmlist.yaml")
    assert path in sentence
    assert way_out in sentence


@pytest.mark.parametrize(
    "content",
    [
        *(b"\xff\xfe\xfa", "models: [caf\xe9]".encode("latin-1"), b"a: \x01"),
        *(b"models: " + b"[" * 5_000, b"models: 2026-99-99", b"models: &a [*a]"),
    ],
    ids=["bytes", "latin-1", "control", "deep", "date", "circle"],
)
def test_a_file_that_is_not_a_warm_list_is_refused_and_does_not_crash(
    read, content, tmp_path
):
    read("models: []")
    (tmp_path / "warmlist.yaml").write_bytes(content)

    with pytest.raises(BadSettings, match=r"warmlist\.yaml"):
        warmlist.read(settings.read())


def test_a_missing_file_is_refused_with_the_variable_that_names_it(read, tmp_path):
    read("models: []")
    (tmp_path / "warmlist.yaml").unlink()

    with pytest.raises(BadSettings, match=r"No such file.*OLLAMA_WARMUP_CONFIG"):
        warmlist.read(settings.read())


@pytest.mark.parametrize(
    "text",
    [
        "hosts: {a: {url: x, token: hunter2}}",
        "hosts: {a: {url: x, token: hunter2, tokn: hunter2}}",
        "hosts: {a: {url: x, token: hunter2, token: hunter2}}",
        "hosts: {a: {url: x, token: [hunter2]}}",
        "hosts: {a: {url: x, token: hunter2}",
        "hosts: {a: {url: 5, token: hunter2}}",
        "hosts: {a: {url: x}}\nmodels: [{model: m, sample: [hunter2]}]",
        "hosts: {a: {url: x}}\nmodels: [{model: m, sample: {hunter2: hunter2}}]",
    ],
)
def test_a_token_or_sample_that_is_written_wrong_is_shown_nowhere(read, text):
    with pytest.raises(BadSettings) as refusal:
        read(text)

    error: BaseException | None = refusal.value
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("OLLAMA_WARMUP_HOSTS", "a=10.0.0.5", "hosts"),
        ("OLLAMA_WARMUP_MODELS", "phi3", "models"),
    ],
)
def test_hosts_or_models_in_both_the_file_and_a_variable_are_refused(
    read, monkeypatch, variable, value, key
):
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadSettings, match=rf"`{key}` stand in .*{variable}: keep one"):
        read(f"{HOSTS}models: [phi3]")


def test_a_file_of_hosts_goes_with_a_variable_of_models(read, monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_MODELS", "phi3?num_ctx=512")

    listed = read(f"{HOSTS}defaults: {{keep_alive: 30m}}")

    assert [(t.host, t.keep_alive_s) for t in listed.targets] == [
        ("gpu-1", 1800),
        ("gpu-2", 1800),
    ]


def test_a_file_of_models_goes_with_a_variable_of_hosts(read, monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_HOSTS", "a=10.0.0.5, b=10.0.0.6")

    listed = read("models: [phi3, {model: llama3, hosts: [b]}]")

    assert [(t.host, t.model) for t in listed.targets] == [
        ("a", "phi3"),
        ("b", "phi3"),
        ("b", "llama3"),
    ]
    assert listed.is_named
