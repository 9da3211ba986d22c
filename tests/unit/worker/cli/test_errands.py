import pytest

from ollama_warmup.errors import BadRequest
from worker.cli import errands, releasing
from worker.cli.errands import Bar

TINY = "registry.ollama.ai/library/tiny:latest"


@pytest.mark.parametrize(
    ("errand", "state", "told", "bar"),
    [
        (
            errands.WARM,
            "LOADING",
            {"elapsed_s": 3.0, "expected_s": 8.0},
            Bar(told="loading, about 5s left", total=8.0, completed=3.0),
        ),
        (errands.WARM, "LOADING", {"elapsed_s": 3.0}, Bar(told="loading", completed=3)),
        (errands.PULL, "PULLING", {}, Bar(told="asks the registry")),
        (
            errands.PULL,
            "PULLING",
            {"completed_bytes": 274e6, "total_bytes": 4.7e9},
            Bar(told="274 MB of 4.7 GB", total=4.7e9, completed=274e6),
        ),
        (
            errands.PULL,
            "PULLING",
            {"completed_bytes": 4.7e9, "total_bytes": 4.7e9},
            Bar(told="is being checked", total=4.7e9, completed=4.7e9),
        ),
    ],
)
def test_a_progress_bar_shows_how_far_a_task_is(errand, state, told, bar):
    assert errand.bars[state](told) == bar


def test_an_unload_fails_only_if_the_model_is_still_loaded():
    outcomes = ("unloaded", "not_loaded", "going", "still_loaded")
    results = [{"outcome": outcome, "host": "gpu-1"} for outcome in outcomes]

    told = [errands.UNLOAD.complaint(result) for result in results]

    assert told[:3] == [None, None, None]
    assert "still loaded on gpu-1" in str(told[3])


@pytest.mark.parametrize(
    ("host", "wanted", "meant"),
    [
        (None, [("gpu-1", TINY)], "gpu-1"),
        (None, [("gpu-1", "other")], None),
        ("gpu-2", [("gpu-1", TINY), ("gpu-2", TINY)], "gpu-2"),
        ("gpu-9", [("gpu-1", TINY)], "gpu-9"),
    ],
)
def test_an_unload_means_the_host_that_wants_the_model(host, wanted, meant):
    call = ("Tiny?num_ctx=512", host)

    assert releasing.meant(call, wanted) == ("Tiny?num_ctx=512", meant)


def test_a_model_of_several_hosts_is_not_unloaded_from_a_guessed_one():
    with pytest.raises(BadRequest, match="on gpu-1 and gpu-2: say which one with --ho"):
        releasing.meant(("tiny", None), [("gpu-2", TINY), ("gpu-1", TINY)])
