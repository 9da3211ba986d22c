"""One pass: what it looks at, writes and sends, in which order, and who is next."""

import math

import pytest

from ollama_warmup.errors import OllamaDown, StoreUnavailable
from ollama_warmup.report import Condition, HostState
from tests.support.builders import NOW, failed, loaded, resident, target
from tests.support.one_host import OneHost
from worker import reconcile, unloading
from worker.core.passes import Kind, Pull, Rules, Touch, Warm

CHAT, PLAIN = target("chat", priority=2), target("plain?keep_alive=10m", priority=1)
TICK_S = 10.0


def pass_over(host, name=None, *, send=None):
    """One pass of the host's worker; what it sends is kept in `host.sent`."""

    def keep(action, expires_s):
        host.sent.append((action, expires_s))

    if name is None:
        return reconcile.run(host.deps, send=send or keep)
    return reconcile.run(host.deps, send=send or keep, host=name)


def conditions(host):
    return {t.model: t.condition.value for t in host.passes.reports["gpu"].targets}


def test_a_pass_sends_the_load_of_a_cold_target_and_reports_it():
    host = OneHost([CHAT, PLAIN])

    [glance] = pass_over(host)

    assert host.sent == [(Warm(target=CHAT), 20.0)]
    assert conditions(host) == {"chat": "queued", "plain": "queued"}
    assert glance.host.name == "gpu"
    assert [v.condition for v in glance.plan.verdicts] == [Condition.QUEUED] * 2
    assert host.passes.reports["gpu"].state is HostState.UP
    assert host.passes.reports["gpu"].at == NOW


def test_a_load_that_is_sent_is_marked_until_its_message_expires():
    host = OneHost([CHAT, PLAIN])
    marked = []

    pass_over(host, send=lambda *_: marked.append(host.shelf.get("sent", "gpu")))
    pass_over(host)

    assert marked == [CHAT.key]
    assert host.sent == []
    host.time.run_until(20.5)
    pass_over(host)
    assert host.sent == [(Warm(target=CHAT), 20.0)]


@pytest.mark.parametrize(("tick_s", "expires_s"), [(1.0, 15.0), (60.0, 120.0)])
def test_a_load_expires_after_two_ticks_and_at_least_fifteen_seconds(tick_s, expires_s):
    host = OneHost([CHAT], rules=Rules(tick_s=tick_s))

    pass_over(host)

    assert host.sent == [(Warm(target=CHAT), expires_s)]


@pytest.mark.parametrize(
    ("left_s", "expires_s"), [(20.0, 20.0), (12.0, 12.0), (0.9, None), (1.5, 1.5)]
)
def test_a_touch_expires_with_the_timer_that_it_is_to_restart(left_s, expires_s):
    host = OneHost([CHAT])
    host.server.resident("chat", left_s)

    pass_over(host)

    touches = [(a.digest, e) for a, e in host.sent if isinstance(a, Touch)]
    assert touches == ([("d-chat:latest", expires_s)] if expires_s else [])


def test_a_touch_of_a_model_without_a_timer_expires_as_a_load_does():
    host = OneHost([CHAT])
    host.server.resident("chat", None)
    pass_over(host)
    host.time.run_until(3_700.0)  # nothing has asked its runner for an hour

    pass_over(host)

    [(touch, expires_s)] = host.sent
    assert isinstance(touch, Touch)
    assert (math.isinf(touch.left_s), expires_s) == (True, 20.0)


def test_a_pass_remembers_the_residents_of_the_pass_before():
    host = OneHost([CHAT])
    host.server.resident("chat", 25.0)
    pass_over(host)
    host.server.residents.clear()
    host.time.run_until(TICK_S)

    pass_over(host)

    [event] = [e for e in host.passes.events if e.at > NOW]
    assert (event.kind, event.before) == (Kind.UNLOADED, Condition.WARM)


def test_a_target_that_we_unloaded_is_loaded_by_the_next_pass():
    host = OneHost([CHAT, PLAIN])
    host.server.resident("chat")
    host.server.resident("plain")
    host.server.resident("foreign", digest="d-foreign")
    pass_over(host)
    unloading.unload(CHAT, host.deps)
    host.time.run_until(TICK_S)

    pass_over(host)

    assert [action for action, _ in host.sent] == [Warm(target=CHAT)]
    [event] = [e for e in host.passes.events if e.at > NOW]
    assert (event.kind, event.why) == (Kind.UNLOADED, "we unloaded it")


def test_events_are_logged_and_a_lapse_is_logged_as_a_warning(caplog):
    caplog.set_level("INFO")
    host = OneHost([CHAT])
    host.server.resident("chat", 5.0)
    pass_over(host)
    host.time.run_until(TICK_S)
    pass_over(host)

    levels = [(r.levelname, r.message.partition(":")[0]) for r in caplog.records]
    assert levels == [
        ("INFO", "chat on gpu is warm"),
        ("WARNING", "chat on gpu is queued (was warm)"),
    ]


def test_a_host_without_an_answer_is_reported_and_nothing_is_sent():
    host = OneHost([CHAT])
    host.server.view_fails = [OllamaDown("connection refused")]

    pass_over(host)

    report = host.passes.reports["gpu"]
    assert (report.state, report.problem) == (HostState.UNKNOWN, "connection refused")
    assert conditions(host) == {"chat": "unknown"}
    assert host.sent == []


def test_the_failures_of_before_are_forgotten_when_a_host_answers_again():
    host = OneHost([CHAT, PLAIN, target("third")])
    host.server.add("third")
    for wanted, error in ((CHAT, "OutOfMemory"), (PLAIN, "UnknownModel")):
        record = failed(error, ended_at=NOW - 1)
        host.shelf.set("outcome", "gpu", wanted.key, value=record)
    record = loaded(resident("third"), at=NOW - 1)
    host.shelf.set("outcome", "gpu", target("third").key, value=record)
    host.server.view_fails = [OllamaDown("connection refused")]
    pass_over(host)
    host.time.run_until(TICK_S)

    [glance] = pass_over(host)

    assert glance.forgotten == [CHAT.key]
    assert host.sent == [(Warm(target=CHAT), 20.0)]
    assert host.loads.read("gpu", CHAT.key)[0] is None
    assert host.loads.read("gpu", PLAIN.key)[0] is not None
    assert conditions(host) == {"chat": "queued", "plain": "failing", "third": "queued"}


def test_failures_are_kept_while_a_host_answers_all_the_time():
    host = OneHost([CHAT])
    record = failed("OutOfMemory", ended_at=NOW - 1)
    host.shelf.set("outcome", "gpu", CHAT.key, value=record)

    pass_over(host)

    assert conditions(host) == {"chat": "failing"}
    assert host.loads.read("gpu", CHAT.key)[0] == record


def test_a_pass_leaves_a_host_to_the_pass_that_is_at_it():
    host = OneHost([CHAT])
    host.passes.begin(["gpu"], nonce="another", once_more=False)

    assert pass_over(host) == []

    assert host.sent == []
    assert host.passes.reports == {}
    assert host.shelf.get("again", "gpu") is None


def test_a_pass_over_one_host_asks_the_pass_that_is_at_it_to_look_once_more():
    host = OneHost([CHAT])
    host.passes.begin(["gpu"], nonce="another", once_more=False)

    assert pass_over(host, "gpu") == []

    assert host.shelf.get("again", "gpu")


def test_a_pass_looks_once_more_when_it_was_asked_to_meanwhile():
    host = OneHost([CHAT])
    looks = []

    def ask_once_more(*_):
        looks.append(host.time.now)
        host.server.resident("chat")

    host.shelf.latency_s = 0.01
    host.after(0.015, lambda: host.passes.begin(["gpu"], nonce="b", once_more=True))

    glances = pass_over(host, send=ask_once_more)

    assert len(looks) == 1
    assert [g.plan.verdicts[0].condition for g in glances] == [Condition.WARM]
    assert conditions(host) == {"chat": "warm"}
    assert host.shelf.get("pass", "gpu") is None


def test_a_pass_looks_no_more_than_twice():
    host = OneHost([CHAT])
    looks = []

    def ask_once_more():
        looks.append(host.now)
        host.passes.begin(["gpu"], nonce="another", once_more=True)

    host.server.on_view = ask_once_more

    pass_over(host)

    assert len(looks) == 2


def test_a_pass_that_is_cut_leaves_its_host_to_the_next_one():
    host = OneHost([CHAT])

    def time_limit():
        raise KeyboardInterrupt

    host.server.on_view = time_limit
    with pytest.raises(KeyboardInterrupt):
        pass_over(host)

    assert host.shelf.get("pass", "gpu") is None


def test_a_pass_that_lost_its_host_writes_and_sends_nothing():
    host = OneHost([CHAT])
    host.shelf.latency_s = 0.01
    host.after(0.025, lambda: host.shelf.set("pass", "gpu", value="another"))

    [glance] = pass_over(host)

    assert glance.plan.actions == (Warm(target=CHAT),)
    assert host.sent == []
    assert host.passes.reports == {}


def test_a_task_that_cannot_be_sent_is_left_to_the_next_pass(caplog):
    host = OneHost([CHAT, PLAIN])
    host.server.resident("plain", 12.0)
    tried = []

    def redis_is_away(action, _):
        tried.append(type(action).__name__)
        raise StoreUnavailable("away")

    [glance] = pass_over(host, send=redis_is_away)

    assert tried == ["Warm", "Touch"]
    assert caplog.text.count("A pass could not send a task: away") == 2
    assert conditions(host) == {"chat": "queued", "plain": "warm"}
    assert len(glance.plan.actions) == 2


def test_a_redis_that_is_away_is_told_and_nothing_is_sent():
    host = OneHost([CHAT])
    host.shelf.is_away = True

    with pytest.raises(StoreUnavailable):
        pass_over(host)

    assert host.sent == []


def test_the_report_shows_a_host_without_its_login():
    host = OneHost([CHAT])

    pass_over(host)

    assert host.passes.reports["gpu"].url == "http://gpu:11434"


def test_a_pass_over_all_hosts_forgets_the_reports_of_others():
    host = OneHost([CHAT])
    pass_over(host)
    host.passes.reports["gone"] = host.passes.reports["gpu"]

    pass_over(host, "gpu")
    assert set(host.passes.reports) == {"gpu", "gone"}
    pass_over(host)

    assert set(host.passes.reports) == {"gpu"}


def test_a_pass_sends_the_pull_of_a_model_that_the_host_lacks():
    wanted = target("new", pull=True)
    host = OneHost([wanted])

    pass_over(host)

    assert host.sent == [(Pull(target=wanted), 20.0)]
    assert host.shelf.get("sent", "gpu") is None


def test_passes_that_are_not_enabled_report_and_send_nothing():
    host = OneHost([CHAT], rules=Rules(enabled=False))

    pass_over(host)

    assert conditions(host) == {"chat": "cold"}
    assert host.sent == []


def test_a_preview_decides_as_an_enabled_pass_does_and_changes_nothing():
    host = OneHost([CHAT], rules=Rules(enabled=False))
    before = dict(host.shelf.values)

    [glance] = reconcile.preview(host.deps)

    assert glance.plan.actions == (Warm(target=CHAT),)
    assert host.shelf.values == before
    assert host.passes.reports == {}
    assert host.passes.events == []


@pytest.mark.parametrize(
    ("chosen", "shown"), [({}, ["other", "gpu"]), ({"host": "gpu"}, ["gpu"])]
)
def test_a_preview_shows_all_hosts_in_the_order_of_the_list_or_one(chosen, shown):
    host = OneHost([CHAT], hosts=["other", "gpu"])

    assert [g.host.name for g in reconcile.preview(host.deps, **chosen)] == shown


def test_a_pass_over_one_host_looks_at_no_other():
    host = OneHost([CHAT], hosts=["other", "gpu"])

    assert [g.host.name for g in pass_over(host, "gpu")] == ["gpu"]
    assert {g.host.name for g in pass_over(host)} == {"other", "gpu"}


def test_a_pass_that_is_cut_closes_what_it_looks_through():
    host = OneHost([CHAT])
    closed = []

    def look(*args):
        try:
            yield from OneHost.look(host, *args)
        finally:
            closed.append(host.now)

    host.look = look  # type: ignore[method-assign]

    def time_limit(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as cut:
        pass_over(host, send=time_limit)

    assert closed == [NOW]
    assert cut.traceback  # by which the frames of the pass still live
