import pytest

from tests.support.builders import target
from worker.core import pauses

LLAMA = "registry.ollama.ai/library/llama3:8b"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("*", "everything"),
        ("gpu-1", "gpu-1"),
        (LLAMA, "llama3:8b"),
        (pauses.on("gpu-1", LLAMA), "llama3:8b on gpu-1"),
    ],
)
def test_a_paused_name_pauses_its_target_and_is_shown_as_people_write_it(name, shown):
    llama = target("LLaMA3:8b?num_ctx=512", host="gpu-1")

    assert name in pauses.of(llama)
    assert pauses.shown(name) == shown


def test_a_pause_on_another_host_does_not_pause_a_target():
    llama = target("llama3:8b", host="gpu-1")

    assert pauses.on("gpu-2", LLAMA) not in pauses.of(llama)
