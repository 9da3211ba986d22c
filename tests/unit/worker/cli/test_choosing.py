import pytest

from ollama_warmup.errors import BadRequest
from worker.cli import choosing
from worker.cli.choosing import Known

KNOWN = Known.of(
    [("gpu-1", "llama3:8b"), ("gpu-2", "nomic-embed-text"), ("gpu-2", "My/Own:x")],
    hosts=["idle"],
)
LLAMA = "registry.ollama.ai/library/llama3:8b"
NOMIC = "registry.ollama.ai/library/nomic-embed-text:latest"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("gpu-1", "gpu-1"),
        ("idle", "idle"),
        ("llama3:8b", LLAMA),
        ("library/LLAMA3:8b", LLAMA),
        ("nomic-embed-text", NOMIC),
        ("nomic-embed-text:latest", NOMIC),
        ("my/own:x", "registry.ollama.ai/my/own:x"),
    ],
)
def test_a_word_is_a_host_or_else_a_model_in_any_form(word, meant):
    assert choosing.name_of(word, KNOWN) == meant


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("gpu-3", "did you mean gpu-[12]?"),
        ("lama3:8b", "did you mean llama3:8b?"),
        ("nomic-embed", "did you mean nomic-embed-text?"),
        ("zzzzzz", "known are gpu-1, gpu-2, idle, llama3:8b, my/own:x, nomic-"),
        ("a b", "is no model name"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest_known_one(word, hint):
    with pytest.raises(BadRequest, match=hint):
        choosing.name_of(word, KNOWN)


def test_an_unknown_model_is_accepted_with_force():
    meant = choosing.name_of("mistral", KNOWN, is_forced=True)

    assert meant == "registry.ollama.ai/library/mistral:latest"


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ([], "all"),
        (["gpu-1"], "gpu-1"),
        (["llama3:8b"], "llama"),
        (["gpu-1", "nomic-embed-text"], "none"),
        (["gpu-1", "llama3:8b"], "gpu-1"),
    ],
)
def test_hosts_and_models_narrow_each_other(words, seen):
    choice = choosing.choose(words, KNOWN)

    has = {
        "all": (True, True, True),
        "gpu-1": (True, False, False),
        "llama": (True, False, True),
        "none": (False, False, False),
    }[seen]
    pairs = (("gpu-1", "llama3:8b"), ("gpu-2", "nomic-embed-text"))
    assert tuple(choice.has(*pair) for pair in pairs) == has[:2]
    assert choice.has("gpu-9", "LLaMA3:8b") is has[2]
