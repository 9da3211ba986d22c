"""What holds for every plan, whatever was seen and remembered."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ollama_warmup.report import Condition
from tests.support.builders import (
    NOW,
    failed,
    holder,
    infos,
    loaded,
    resident,
    tags,
    target,
    touched,
    view,
)
from worker.core import memory as memories
from worker.core import policy, telling
from worker.core.domain import Unanswered
from worker.core.memory import Memory
from worker.core.passes import Cure, Pull, Rules, Seen, Touch, Warm

NAMES = ("a", "b", "c")
FOREIGN = ("x", "y")
OPTIONS = ("", "?num_ctx=4096", "?num_ctx=512", "?num_thread=4", "?keep_alive=30m")


@st.composite
def targets(draw):
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return [
        target(
            name + draw(st.sampled_from(OPTIONS)),
            priority=draw(st.integers(-1, 1)),
            pull=draw(st.booleans()),
        )
        for name in names
    ]


@st.composite
def residents(draw, now):
    names = draw(st.lists(st.sampled_from(NAMES + FOREIGN), unique=True, max_size=4))
    lefts = st.sampled_from([-40.0, 0.5, 3, 12, 20, 25.5, 26.5, 60, 300, 7200, None])
    contexts = st.sampled_from([512, 4096])
    return [resident(n, draw(lefts), draw(contexts), now=now) for n in names]


@st.composite
def sights(draw, wanted, now):
    if draw(st.integers(0, 9)) == 0:
        return Seen(view=Unanswered(text="mute", is_refused=draw(st.booleans())))
    there = draw(residents(now))
    keys = [t.key for t in wanted]
    by_name = {r.name.partition(":")[0]: r for r in there}
    records, touches = {}, {}
    for one in wanted:
        match draw(st.integers(0, 4)):
            case 0 if one.model in by_name:
                records[one.key] = loaded(by_name[one.model], at=now - 1)
            case 1:
                error = draw(st.sampled_from(["UnknownModel", "LoadFailed"]))
                records[one.key] = failed(error, ended_at=now - 30)
            case 2 if one.model in by_name:
                touches[one.key] = touched(by_name[one.model], at=now - 1)
    nobody = st.none()
    some = st.sampled_from(keys) if keys else nobody
    key = draw(nobody | some)
    return Seen(
        view=view(*there, now=now),
        tags=draw(nobody | st.just(tags(*NAMES)) | st.just(tags("a"))),
        infos=draw(st.just({}) | st.just(infos(a="x", b="x", c="y"))),
        records=records,
        touches=touches,
        holder=holder(key, began_at=now - 100) if key else None,
        sent=draw(nobody | some),
        paused=frozenset(draw(st.lists(st.sampled_from(["*", "gpu"]), max_size=1)))
        if draw(st.integers(0, 5)) == 0
        else frozenset(),
    )


@st.composite
def histories(draw, *, enabled=True):
    """Some passes over one host; the last plan, with all that it was made of."""
    wanted = draw(targets())
    rules = Rules(tick_s=10, enabled=enabled)
    memory, now = Memory(), NOW
    order = policy.in_order(wanted)
    for _ in range(draw(st.integers(1, 4))):
        now += draw(st.sampled_from([1.0, 10.0, 10.0, 700.0]))
        sight = draw(sights(wanted, now))
        observed = memories.observe(memory, sight, order, rules=rules, now=now)
        plan = policy.plan(wanted, sight, observed.memory, rules=rules, now=now)
        memory, _ = telling.tell(observed, plan, rules=rules, host="gpu", now=now)
    return wanted, sight, memory, plan, rules, now


@given(histories())
def test_every_target_has_one_verdict_in_order_of_priority(history):
    wanted, _, _, plan, _, _ = history

    said = [verdict.target for verdict in plan.verdicts]

    assert said == sorted(wanted, key=lambda t: -t.priority)


@given(histories())
def test_at_most_one_load_a_host_and_none_while_another_is_sent_or_in_flight(history):
    _, sight, _, plan, _, _ = history

    loads = [action for action in plan.actions if isinstance(action, Warm)]

    assert len(loads) <= 1
    assert not loads or (sight.holder is None and sight.sent is None)


@given(histories())
def test_a_load_goes_to_the_most_wanted_of_those_that_wait_for_the_lane(history):
    _, _, _, plan, _, _ = history

    loads = [action.target for action in plan.actions if isinstance(action, Warm)]
    queued = [v.target for v in plan.verdicts if v.why == "its load is sent"]

    assert not loads or loads == queued[:1]


@given(histories())
def test_nothing_is_sent_to_a_host_that_did_not_answer_or_for_what_is_paused(history):
    _, sight, _, plan, _, _ = history

    if isinstance(sight.view, Unanswered) or sight.paused:
        assert plan.actions == ()


@given(histories())
def test_a_touch_goes_to_a_fitting_resident_whose_timer_is_not_past(history):
    _, sight, memory, plan, _, _ = history
    ready = {v.target.key: v for v in plan.verdicts if v.is_ready}

    for action in plan.actions:
        if isinstance(action, Touch):
            verdict = ready[action.target.key]
            assert verdict.resident.digest == action.digest
            assert sight.view.left(verdict.resident).total_seconds() >= 0
            assert action.num_ctx in {None, verdict.resident.context_length}
            assert not memory.stays[action.digest].is_untouchable
            assert action.left_s > 0
    touched_twice = [a.digest for a in plan.actions if isinstance(a, Touch)]
    assert len(touched_twice) == len(set(touched_twice))


@given(histories())
def test_no_action_can_carry_a_keep_alive_but_the_load_and_the_cure(history):
    _, _, _, plan, _, _ = history

    for action in plan.actions:
        assert isinstance(action, Warm | Touch | Pull | Cure)
        assert not hasattr(action, "keep_alive_s")


@given(histories())
def test_planning_on_the_planned_state_gives_nothing(history):
    wanted, sight, memory, plan, rules, now = history
    sent = [a.target.key for a in plan.actions if isinstance(a, Warm)]
    planned = replace(sight, sent=sent[0] if sent else sight.sent)

    again = policy.plan(wanted, planned, memory, rules=rules, now=now)

    assert again.actions == ()
    assert {v.target.key: v.condition for v in again.verdicts} == {
        v.target.key: v.condition for v in plan.verdicts
    }


@given(histories(enabled=False))
def test_nothing_at_all_is_sent_when_passes_are_not_enabled(history):
    _, _, _, plan, _, _ = history

    assert plan.actions == ()


@given(histories())
def test_what_is_neither_loading_nor_resident_is_never_called_ready(history):
    _, _, _, plan, _, _ = history

    for verdict in plan.verdicts:
        assert verdict.is_ready <= (verdict.resident is not None)
        if verdict.condition is Condition.WARM:
            assert verdict.is_ready
