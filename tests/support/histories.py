"""Hypothesis strategies: any few passes over one host, whatever they see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

from ollama_warmup.target import Target
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
from worker.core.domain import LoadRecord, Resident, TouchRecord, Unanswered
from worker.core.memory import Memory
from worker.core.passes import Cure, Plan, Pull, Rules, Seen, Touch, Warm

Action = TypeVar("Action", Warm, Touch, Pull, Cure)
NAMES = ("a", "b", "c")
FOREIGN = ("x", "y")
OPTIONS = ("", "?num_ctx=4096", "?num_ctx=512", "?num_thread=4", "?keep_alive=30m")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Some passes over one host: the last one's plan, with all that it was made of."""

    targets: list[Target]
    seen: Seen
    """What the last pass saw."""
    memory: Memory
    """What the last pass remembers."""
    plan: Plan
    rules: Rules
    now: float
    """When the last pass was."""

    def actions(self, kind: type[Action]) -> list[Action]:
        """The actions of this kind in the plan."""
        return [action for action in self.plan.actions if isinstance(action, kind)]


@st.composite
def targets(draw: st.DrawFn) -> list[Target]:
    """Some targets of the host `gpu`, in any order of priority."""
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
def residents(draw: st.DrawFn, now: float) -> list[Resident]:
    """Up to four residents, targets or foreign, with timers of every kind."""
    names = draw(st.lists(st.sampled_from(NAMES + FOREIGN), unique=True, max_size=4))
    lefts = st.sampled_from([-40.0, 0.5, 3, 12, 20, 25.5, 26.5, 60, 300, 7200, None])
    contexts = st.sampled_from([512, 4096])
    return [resident(n, draw(lefts), draw(contexts), now=now) for n in names]


@st.composite
def sights(draw: st.DrawFn, wanted: Sequence[Target], now: float) -> Seen:
    """What one pass may see of the host at `now`."""
    if draw(st.integers(0, 9)) == 0:
        return Seen(view=Unanswered(text="mute", is_refused=draw(st.booleans())))
    there = draw(residents(now))
    keys = [t.key for t in wanted]
    by_name = {r.name.partition(":")[0]: r for r in there}
    records: dict[str, LoadRecord] = {}
    touches: dict[str, TouchRecord] = {}
    for one in wanted:
        match draw(st.integers(0, 4)):
            case 0 if one.model in by_name:
                records[one.key] = loaded(by_name[one.model], at=now - 1)
            case 1:
                error = draw(st.sampled_from(["UnknownModel", "LoadFailed"]))
                records[one.key] = failed(error, ended_at=now - 30)
            case 2 if one.model in by_name:
                touches[one.key] = touched(by_name[one.model], at=now - 1)
    some_key = st.none() | st.sampled_from(keys) if keys else st.none()
    key = draw(some_key)
    is_paused = draw(st.integers(0, 5)) == 0
    return Seen(
        view=view(*there, now=now),
        tags=draw(st.sampled_from([None, tags(*NAMES), tags("a")])),
        infos=draw(st.sampled_from([{}, infos(a="x", b="x", c="y")])),
        records=records,
        touches=touches,
        holder=holder(key, began_at=now - 100) if key else None,
        sent=draw(some_key),
        paused=frozenset({draw(st.sampled_from(["*", "gpu"]))} if is_paused else ()),
    )


@st.composite
def histories(draw: st.DrawFn, *, enabled: bool = True) -> History:
    """One to four passes over one host, a second to twelve minutes apart."""
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
    return History(
        targets=wanted, seen=sight, memory=memory, plan=plan, rules=rules, now=now
    )
