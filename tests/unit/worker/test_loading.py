"""One load: what it sends, what proves it, and what is kept of it."""

from dataclasses import replace

import pytest

from ollama_warmup.errors import (
    LoadFailed,
    OllamaBusy,
    OllamaDown,
    StoreUnavailable,
)
from tests.support.builders import NOW, holder, target, view
from tests.support.one_host import OneHost
from worker import loading
from worker.core.calls import Call
from worker.core.domain import LoadRecord, Warmth
from worker.core.warm_decision import TargetSnapshot
from worker.loading import LoadJob
from worker.model import Model


def job(host, wanted="chat", *, there=None, fits=False, record=None, late_s=300.0):
    """The load of a target, before which a look showed this resident."""
    meant = target(wanted) if isinstance(wanted, str) else wanted
    call = Call(target=meant, task_id="t", process="w:1", patience_s=60.0)
    return LoadJob(
        snapshot=TargetSnapshot(
            call=replace(call, counted_as="chat"),
            since=None,
            now=NOW,
            view=view(*([there] if there else [])),
            resident=there,
            fits=fits,
            record=record,
        ),
        holder=replace(holder(meant.key, late_s=late_s), nonce="f" * 8 + "0" * 24),
        model=Model(meant, host.server),
        deps=host.deps,
    )


# What is sent


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("chat", {"options": {}}),
        ("chat?num_ctx=2048", {"options": {"num_ctx": 2048}}),
        ("chat?keep_alive=10m", {"options": {}, "keep_alive_s": 600.0}),
        ("chat?num_gpu=1", {"options": {"num_gpu": 1}}),
    ],
)
def test_a_load_sends_exactly_the_options_and_the_keep_alive_of_its_target(
    wanted, sent
):
    host = OneHost()

    job(host, wanted).run()

    assert host.server.asked == [("infer", {"model": "chat"} | sent)]


def test_a_load_that_only_proves_a_warm_model_sends_no_keep_alive():
    host = OneHost()
    there = host.server.resident("chat")

    warmth = job(host, "chat?num_gpu=1&keep_alive=10m", there=there, fits=True).run()

    sent = {"model": "chat", "options": {"num_gpu": 1}}
    assert host.server.asked == [("infer", sent)]
    assert warmth.load_s == 0


def test_a_model_that_only_embeds_is_asked_for_a_vector():
    host = OneHost()
    host.server.add("chat", capabilities=frozenset({"embedding"}))

    job(host).run()

    [(_, sent)] = host.server.asked
    assert sent["embed"] is True


@pytest.mark.parametrize("sample", ["Hello", (("user", "Hello"),)], ids=type)
def test_a_target_is_warmed_with_its_sample_which_is_not_logged(caplog, sample):
    caplog.set_level("DEBUG")
    host = OneHost()

    job(host, target("chat", sample=sample)).run()

    [(_, sent)] = host.server.asked
    assert sent["sample"] == sample
    assert "Hello" not in caplog.text


def test_a_load_sends_the_ceiling_of_the_deployment():
    host = OneHost()
    host.deps = replace(host.deps, load_ceiling_s=77.0)

    job(host).run()

    [(_, sent)] = host.server.asked
    assert sent["ceiling_s"] == 77.0


# What proves it


def test_a_load_is_proven_by_a_view_that_lists_the_model_as_wanted(caplog):
    caplog.set_level("INFO")
    host = OneHost()

    warmth = job(host, "chat?num_ctx=2048").run()

    assert warmth.resident == host.server.residents[0]
    assert warmth.resident.context_length == 2048
    assert warmth.load_s == pytest.approx(8.0)
    assert warmth.left.total_seconds() == pytest.approx(300.0)
    assert caplog.messages == [
        "Warming up Ollama model: chat (this may take a moment on first use)",
        "Model warmup completed: chat (load_duration: 8000ms, total_duration: 8050ms)",
    ]


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ([], "/api/ps then listed nothing: it was unloaded at once"),
        ([("plain", 300, 4096)], "/api/ps then listed plain:latest: it was unloaded"),
        ([("chat", 300, 512)], "showed it with context 512 and 300 s left"),
        ([("chat", 0.5, 2048)], "showed it with context 2048 and 0 s left"),
    ],
    ids=["gone", "another-came", "other-options", "about-to-go"],
)
def test_a_load_that_no_view_shows_as_wanted_has_failed(then, why):
    host = OneHost()

    def another_application_acts():
        host.server.residents.clear()
        for name, left_s, context in then:
            host.server.resident(name, left_s, context=context)

    host.server.on_infer = another_application_acts

    with pytest.raises(LoadFailed, match=why):
        job(host, "chat?num_ctx=2048").run()


def test_a_model_that_works_for_an_application_when_it_is_looked_at_is_warm():
    host = OneHost()
    host.server.on_infer = lambda: host.server.resident("chat", -1.0)

    assert job(host).run().left.total_seconds() == -1


@pytest.mark.parametrize(
    ("before", "reloaded_from"), [(None, None), (2048, 2048), (4096, None)]
)
def test_the_result_of_a_load_tells_the_context_that_it_changed(before, reloaded_from):
    host = OneHost()
    there = host.server.resident("chat", context=before) if before else None
    host.server.residents.clear()

    assert job(host, there=there).run().reloaded_from == reloaded_from


# What is kept of it


def test_the_seconds_of_a_load_are_kept_by_weights_and_context():
    host = OneHost()
    host.server.add("chat", blob="sha256-1")

    job(host, "chat?num_ctx=2048").run()

    assert host.loads.history("gpu", weights="sha256-1", context=2048) == [8.0]
    assert host.loads.history("gpu", weights="sha256-1", context=0) == []
    assert host.loads.longest("gpu") == (8.0, 100)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((9.0, 555), (9.0, 555)),
        ((0.5, 555), (0.5, 555)),
        ((0.4, 555), (0.5, 100)),
    ],
    ids=["it-was-longer", "it-was-as-long", "it-was-shorter"],
)
def test_the_longest_load_of_a_host_is_kept_with_the_size_of_its_model(before, after):
    host = OneHost()
    host.server.load_s = 0.5
    host.loads.set_longest("gpu", *before)

    job(host).run()

    assert host.loads.longest("gpu") == after


def test_of_a_load_that_was_late_only_the_seconds_until_then_are_kept():
    host = OneHost()
    host.server.load_s = 900.0

    warmth = job(host, late_s=36.0).run()

    assert warmth.load_s == pytest.approx(900.0)
    weights = target("chat").name.normal
    assert host.loads.history("gpu", weights=weights, context=0) == [36.0]
    assert host.loads.longest("gpu") == (36.0, 100)


def test_a_proof_is_no_load_and_leaves_no_seconds():
    host = OneHost()
    there = host.server.resident("chat")

    job(host, "chat?num_gpu=1", there=there, fits=True).run()

    weights = target("chat").name.normal
    assert host.loads.history("gpu", weights=weights, context=0) == []
    assert host.loads.longest("gpu") == (0.0, 0)


@pytest.mark.parametrize(("seconds", "was_load"), [(0.19, False), (0.2, True)])
def test_a_proof_that_took_a_fifth_of_a_second_was_a_load(seconds, was_load):
    host = OneHost()
    host.server.load_s = seconds
    there = host.server.resident("chat")
    host.server.residents.clear()

    warmth = job(host, there=there, fits=True).run()

    weights = target("chat").name.normal
    kept = host.loads.history("gpu", weights=weights, context=0)
    assert (warmth.load_s, kept) == ((seconds, [seconds]) if was_load else (0, []))


def test_a_load_of_a_cold_model_is_one_however_fast_it_was():
    host = OneHost()
    host.server.load_s = 0.1

    assert job(host).run().load_s == pytest.approx(0.1)


def test_a_load_that_is_never_late_is_kept_whole():
    host = OneHost()

    job(host, late_s=None).run()

    assert host.loads.longest("gpu") == (8.0, 100)


def test_a_load_is_as_good_while_redis_is_away():
    host = OneHost()
    host.shelf.is_away = True

    assert job(host).run().load_s == pytest.approx(8.0)


# Its record


def test_the_record_of_a_load_is_written_and_counted():
    host = OneHost()
    loads = job(host)
    warmth = loads.run()

    record = loads.record(warmth, NOW + 8)

    assert host.loads.read("gpu", target("chat").key) == (record, None)
    assert (record.attempt, record.ended_at, record.error) == (1, NOW + 8, None)
    assert record.digest == "d-chat:latest"
    [counted] = host.loads.counted
    assert any("chat" in name and "success" in name for name in counted.amounts)


def test_the_record_of_a_second_failure_counts_on_and_pauses_longer_by_the_jitter():
    host = OneHost()
    before = LoadRecord(task_id="t", attempt=1, ended_at=NOW - 3, error="OllamaBusy")

    record = job(host, record=before).record(OllamaBusy("full"), NOW)

    assert (record.attempt, record.is_final) == (2, False)
    assert record.blocked_until == NOW + 4  # the whole 4 s: the jitter is at its most
    assert host.loads.read("gpu", target("chat").key)[0] == record


def test_a_host_that_took_no_connection_leaves_no_record_as_no_load_failed():
    host = OneHost()

    record = job(host).record(OllamaDown("down"), NOW)

    assert record.error == "OllamaDown"
    assert host.loads.read("gpu", target("chat").key) == (None, None)
    assert host.loads.counted == []


def test_a_record_that_redis_did_not_take_is_told():
    host = OneHost()
    loads = job(host)
    warmth = loads.run()
    host.shelf.is_away = True

    assert isinstance(warmth, Warmth)
    with pytest.raises(StoreUnavailable):
        loads.record(warmth, NOW)


def test_the_end_of_a_load_is_reported_for_its_host():
    host = OneHost()

    job(host).after()

    assert host.ended == ["gpu"]


# What is expected of it


def test_a_load_is_late_by_the_history_of_its_own_weights_and_context():
    host = OneHost()
    host.server.add("chat", blob="sha256-1")
    model = Model(target("chat?num_ctx=2048"), host.server)
    for load_s in (20.0, 20.0, 20.0):
        host.loads.add_history("gpu", weights="sha256-1", context=2048, load_s=load_s)
    host.loads.add_history("gpu", weights="sha256-1", context=0, load_s=99.0)
    host.loads.set_longest("gpu", 20.0, 100)

    history = loading.history(model, host.loads)

    assert history == [20.0, 20.0, 20.0]
    assert loading.late_after_s(model, host.loads, history=history) == 80.0


def test_a_load_without_a_history_is_late_by_the_size_of_the_model_and_of_the_largest():
    host = OneHost()
    host.server.add("chat", size_bytes=2**30)
    host.server.add("plain", size_bytes=6 * 2**30)
    model = Model(target("chat"), host.server)

    assert loading.late_after_s(model, host.loads, history=()) == 300 + 20 + 60


def test_a_load_of_a_model_that_the_host_does_not_list_is_late_as_one_without_size():
    host = OneHost()
    model = Model(target("chat"), host.server)
    host.server.tagged.clear()

    assert loading.late_after_s(model, host.loads, history=()) == 300
