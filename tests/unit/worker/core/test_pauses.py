import pytest

from tests.support.builders import NOW, holder, resident, tags, target
from tests.support.passes import Host
from worker.core import pauses
from worker.core.passes import Cure, Rules

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


@pytest.mark.parametrize(
    ("paused", "cured"),
    [
        ((), ["a:latest"]),
        (("*",), []),
        (("gpu",), []),
        ((target("a").name.normal,), ["x:latest"]),
        ((pauses.on("gpu", target("a").name.normal),), ["x:latest"]),
        ((target("a").name.normal, target("x").name.normal), []),
        ((target("x").name.normal,), ["a:latest"]),
    ],
    ids=[
        *("nothing", "everything", "the-host", "the-target", "the-target-on-this-host"),
        *("both-residents", "the-other-resident"),
    ],
)
def test_a_wedged_host_is_cured_by_no_resident_that_is_paused(paused, cured):
    host = Host(target("a"), rules=Rules(tick_s=10, cures_others=True))
    hangs = holder("another", began_at=NOW, late_s=30.0)
    for left_s in (300, 290, 280, 295):  # the last request shows that they are idle
        plan = host.look(
            *(resident(name, left_s, now=host.now + 10) for name in ("a", "x")),
            holder=hangs,
            paused=frozenset(paused),
        )

    assert [a.resident for a in plan.actions if isinstance(a, Cure)] == cured


def test_a_wedged_host_is_cured_by_no_paused_target_under_another_name():
    paused = frozenset({target("a").name.normal})
    host = Host(target("a"), rules=Rules(tick_s=10, cures_others=True))
    hangs = holder("another", began_at=NOW, late_s=30.0)
    for left_s in (300, 290, 280, 295):
        alias = resident("alias", left_s, now=host.now + 10, digest="d-a:latest")
        plan = host.look(alias, holder=hangs, paused=paused, tags=tags("a"))

    assert plan.events != ()
    assert plan.actions == ()
