import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_warmup import request
from ollama_warmup.errors import UnknownHost
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Target, resolve

HOSTS = ("gpu-2", "gpu-1")
WANTED = (
    Target.of(request.parse("Llama3:8b?num_ctx=8192&keep_alive=30m"), host="gpu-1"),
    Target.of(request.parse("nomic-embed-text"), host="gpu-2"),
    Target.of(request.parse("nomic-embed-text?num_ctx=512"), host="gpu-1"),
)


def meant(text, host=None):
    return resolve(request.parse(text, host=host), hosts=HOSTS, wanted=WANTED)


def test_a_request_means_the_host_that_it_names():
    assert meant("llama3:8b", "gpu-2").target.host == "gpu-2"


def test_a_request_without_a_host_means_the_first_host_that_wants_the_model():
    assert meant("llama3:8b").target.host == "gpu-1"
    assert meant("nomic-embed-text").target.host == "gpu-2"


def test_a_request_for_an_undeclared_model_means_the_first_host():
    assert meant("phi3").target.host == "gpu-2"
    assert meant("phi3").declared is None


def test_a_host_that_is_not_configured_is_refused_with_those_that_are():
    with pytest.raises(UnknownHost, match="the hosts are gpu-2, gpu-1"):
        meant("llama3:8b", "gpu-3")


def test_a_bare_name_takes_the_declared_options_and_keeps_its_spelling():
    resolved = meant("library/llama3:8b")

    assert resolved.target.options.num_ctx == 8192
    assert resolved.target.keep_alive_s == 1800
    assert resolved.target.model == "library/llama3:8b"
    assert not resolved.differs


def test_a_bare_name_takes_the_options_of_its_own_host():
    assert meant("nomic-embed-text", "gpu-1").target.options.num_ctx == 512
    assert meant("nomic-embed-text", "gpu-2").target.options.num_ctx is None


@pytest.mark.parametrize(
    ("text", "num_ctx", "keep_alive_s"),
    [
        ("llama3:8b?num_ctx=512", 512, None),
        ("llama3:8b?keep_alive=1h", None, 3600),
        ("llama3:8b?temperature=0", None, None),
    ],
)
def test_any_option_replaces_all_that_is_declared(text, num_ctx, keep_alive_s):
    resolved = meant(text)

    assert resolved.target.options.num_ctx == num_ctx
    assert resolved.target.keep_alive_s == keep_alive_s
    assert resolved.declared == WANTED[0]
    assert resolved.differs


def test_a_request_with_the_declared_options_written_out_does_not_differ():
    assert not meant("llama3:8b?num_ctx=8192&keep_alive=30m").differs


def test_a_host_that_declares_nothing_for_a_model_takes_the_request_as_it_is():
    resolved = meant("llama3:8b", "gpu-2")

    assert resolved.target.options.num_ctx is None
    assert resolved.declared is None
    assert not resolved.differs


def test_metrics_name_a_model_as_declared_and_an_undeclared_one_as_other():
    assert meant("LLAMA3:8B?num_ctx=512").counted_as == "Llama3:8b"
    assert meant("llama3:8b", "gpu-2").counted_as == "other"
    assert meant("phi3").counted_as == "other"


def test_equal_models_with_equal_options_share_a_key_whatever_their_keep_alive():
    keys = {
        meant(text).target.key
        for text in (
            "llama3:8b?num_ctx=512&use_mmap=true",
            "LLAMA3:8B?use_mmap=true&num_ctx=512&keep_alive=5m",
            "registry.ollama.ai/library/llama3:8b?num_ctx=512&use_mmap=true&seed=1",
        )
    }

    assert keys == {"registry.ollama.ai/library/llama3:8b?num_ctx=512,use_mmap=True"}
    assert meant("phi3").target.key == "registry.ollama.ai/library/phi3:latest"


def test_sample_priority_critical_and_pull_of_a_declared_model_hold_for_every_request():
    wanted = replace(
        WANTED[0], priority=3, critical=True, pull=True, sample=(("user", "hello"),)
    )

    for text in ("llama3:8b", "LLAMA3:8b?num_ctx=512"):
        resolved = resolve(request.parse(text), hosts=HOSTS, wanted=[wanted])

        assert resolved.target.sample == (("user", "hello"),)
        assert resolved.target.priority == 3
        assert resolved.target.critical
        assert resolved.target.pull


def test_a_sample_is_in_no_representation_or_key():
    target = replace(WANTED[0], sample="hunter2")

    assert "hunter2" not in repr(target) + target.key + target.wanted


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("phi3", "phi3"),
        (
            "Llama3:8b?num_ctx=8192&use_mmap=false&keep_alive=1800s",
            "Llama3:8b?keep_alive=30m&num_ctx=8192&use_mmap=false",
        ),
        (
            "phi3?keep_alive_forever=true&keep_alive=-1",
            "phi3?keep_alive=-1&keep_alive_forever=true",
        ),
        ("phi3?keep_alive=90.5s", "phi3?keep_alive=90.5s"),
        ("phi3?seed=1", "phi3"),
    ],
)
def test_a_target_is_written_with_its_options_in_one_order(written, canonical):
    assert Target.of(request.parse(written), host="gpu-1").wanted == canonical


NUMBERS = {
    name: st.none() | st.integers(least, request.LARGEST)
    for name, least in request.MINIMUM.items()
}
SWITCHES = dict.fromkeys(request.BOOLEANS, st.none() | st.booleans())


@given(
    options=st.builds(RunnerOptions, **NUMBERS, **SWITCHES),
    keep_alive_s=st.none()
    | st.just(math.inf)
    | st.floats(min_value=2, max_value=365 * 86_400),
    model=st.sampled_from(["phi3", "x/y:Tag", "hf.co/a/b:q4", "library/llama3:8b"]),
)
def test_a_target_that_is_written_reads_back_the_same(options, keep_alive_s, model):
    target = replace(WANTED[0], model=model, options=options, keep_alive_s=keep_alive_s)

    read = request.parse(target.wanted)

    assert read.model == model
    assert read.options == options
    assert read.keep_alive_s == keep_alive_s
