import pytest

from ollama_warmup.met import Call, Known
from tests.support.host_reports import host_report, target_report

URLS = {
    "gpu-1": "http://10.0.0.5:11434",
    "local": "http://127.0.0.1:11434",
    "far": "https://ollama.example.com:443/gpu",
}


KNOWN = Known.of(
    [
        host_report(target_report("llama3"), name=name, url=url)
        for name, url in URLS.items()
    ],
    {"gpu-1|llama3": 8.0, "local|llama3": 4.0},
)


def series(url=URLS["gpu-1"], model="llama3", load_s=0.05, known=KNOWN):
    return known.series(Call(url=url, model=model, load_s=load_s))


@pytest.mark.parametrize(
    ("load_s", "met"), [(0.05, "warm"), (1.99, "warm"), (2.0, "cold"), (9.0, "cold")]
)
def test_a_quarter_of_a_usual_load_is_cold(load_s, met):
    assert series(load_s=load_s) == f"call|{met}|gpu-1|llama3"


@pytest.mark.parametrize(("load_s", "met"), [(0.49, "warm"), (0.5, "cold")])
def test_half_a_second_is_cold_where_no_load_is_known(load_s, met):
    assert series(URLS["far"], load_s=load_s) == f"call|{met}|far|llama3"


@pytest.mark.parametrize("model", ["llama3", "LLAMA3:latest", "library/llama3"])
def test_every_form_of_a_name_is_counted_as_the_warm_list_writes_it(model):
    assert series(model=model) == "call|warm|gpu-1|llama3"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://10.0.0.5:11434/", "gpu-1"),
        ("http://localhost:11434", "local"),
        ("http://[::1]:11434", "local"),
        ("https://OLLAMA.example.com/gpu", "far"),
        ("https://ollama.example.com/other", "other"),
        ("http://10.0.0.6:11434", "other"),
        ("http://10.0.0.5:99", "other"),
    ],
)
def test_a_host_is_known_by_its_address(url, host):
    assert series(url).split("|")[2] == host


@pytest.mark.parametrize("model", ["phi3", "", "no name", "x|y", "a" * 5_000])
def test_a_call_of_an_undeclared_model_or_host_is_counted_as_other(model):
    assert series(model=model) == "call|warm|gpu-1|other"
    assert series("http://x", model=model) == "call|warm|other|other"


def test_a_declared_model_on_an_unknown_host_keeps_its_name_and_the_shortest_load():
    assert series("http://x", load_s=0.9) == "call|warm|other|llama3"
    assert series("http://x", load_s=1.0) == "call|cold|other|llama3"


def test_before_the_first_pass_every_call_is_counted_as_other():
    assert series(known=Known()) == "call|warm|other|other"
