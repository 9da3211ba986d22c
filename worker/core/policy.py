"""What to do on a host: one pure decision, target by target.

`plan` reads what a pass has seen and what passes remember, and says for each target
in which condition it is, why, and what to send. It changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from ollama_warmup import names
from ollama_warmup.durations import format_short
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import absent, pauses, present, residency, wedge
from worker.core.decision import Decision
from worker.core.domain import HostView, Unanswered
from worker.core.memory import Memory
from worker.core.passes import Cure, Event, Kind, Plan, Rules, Seen, Touch, Verdict

SOON_TICKS = 1.5
"""A timer with less left is not safe until the next pass."""


def in_order(targets: Sequence[Target]) -> list[Target]:
    """The targets of a host, most wanted first."""
    return sorted(targets, key=lambda target: -target.priority)


def plan(
    targets: Sequence[Target], seen: Seen, memory: Memory, *, rules: Rules, now: float
) -> Plan:
    """Say of each target how it is, and what is to be done.

    For each target, the most wanted first:

    (1) Paused: asleep.
    (2) Its host gave no answer: unknown, and nothing is sent.
    (3) Its own load is in flight: loading.
    (4) Resident, with no time left: cold, and nothing is sent, as somebody may be
        using it to the end; a load would reload it, or wedge the host.
    (5) Resident (`worker.core.present`):
        (a) it shares its runner with a more wanted target of other options: unfit;
        (b) with another context than expected: drifted, and left so;
        (c) it took the room of a more wanted target: unfit, and not held;
        (d) its keep-alive is too short to be held: drifted, and not touched;
        (e) its timer is far enough away, infinite or past, it answered somebody
            within the hour, and no late load may wait for it: nothing is sent;
        (f) else: touched.
    (6) Not resident (`worker.core.absent`):
        (a) the host does not have it: pulled if that is wanted, else failing;
        (b) its last load failed, and a pass waits: failing;
        (c) a more wanted target has its runner: unfit;
        (d) another model has its room: contested, or unfit beside a target;
        (e) the lane is free: loaded, one a host a pass; else queued.

    A load may make any resident go, and a touch would load that again: in a pass that
    loads, only timers are restarted that would not live to see the next pass but one.
    A wedged host is cured, once in ten minutes, by a resident that is not paused. When
    passes are not enabled, nothing is sent at all.

    Args:
        targets: what is wanted of the host, in the order of the warm list.
        seen: what the pass saw.
        memory: of the host, with this look in it (`memory.observe`).
        rules: the deployment's.
        now: by the store's clock, Unix seconds.
    """
    decision = Decision(
        order=in_order(targets), seen=seen, memory=memory, rules=rules, now=now
    )
    verdicts = tuple(_verdict(target, decision) for target in decision.order)
    _put_off_touches(decision)
    _watch_wedge(decision)
    return Plan(
        verdicts=verdicts,
        actions=tuple(decision.actions) if rules.enabled else (),
        events=tuple(decision.events),
    )


def _verdict(target: Target, decision: Decision) -> Verdict:
    view, holder = decision.seen.view, decision.seen.holder
    if decision.is_paused(target):  # (1)
        return Verdict(target=target, condition=Condition.ASLEEP, why="paused")
    if isinstance(view, Unanswered):  # (2)
        return Verdict(target=target, condition=Condition.UNKNOWN, why=view.text)
    if holder is not None and holder.key == target.key:  # (3)
        decision.cold.add(target.key)
        elapsed_s = max(0.0, decision.now - holder.began_at)
        usually = holder.expected_s
        return Verdict(
            target=target,
            condition=Condition.LOADING,
            why=f"since {format_short(elapsed_s)}"
            + (f", usually {format_short(usually)}" if usually else ""),
            expected_s=usually,
            elapsed_s=elapsed_s,
        )
    digest = decision.memory.serves.get(target.key)
    resident = next((r for r in view.residents if r.digest == digest), None)
    if resident is not None and residency.stays(resident, view):
        return present.verdict(target, resident, decision)  # (5)
    decision.cold.add(target.key)
    if resident is not None:  # (4)
        why = "it is about to go"
        return Verdict(target=target, condition=Condition.COLD, why=why)
    return absent.verdict(target, view, decision)  # (6)


def _put_off_touches(decision: Decision) -> None:
    """Leave touches that can wait until the load that is sent has begun."""
    if not decision.is_lane_taken and decision.seen.sent is None:
        return
    soon_s = SOON_TICKS * decision.rules.tick_s + 1.0
    decision.actions = [
        action
        for action in decision.actions
        if not isinstance(action, Touch) or action.left_s < soon_s
    ]


def _watch_wedge(decision: Decision) -> None:
    """Tell a wedge, and free the host."""
    view, memory, holder = decision.seen.view, decision.memory, decision.seen.holder
    if isinstance(view, Unanswered) or holder is None or not decision.order:
        return
    doubts = decision.doubts
    is_news = decision.now - memory.wedged_at >= wedge.AGAIN_S
    if not is_news or not wedge.is_wedged(memory.still, view, doubts, now=decision.now):
        return
    host = decision.order[0].host
    name = names.parse(holder.key.partition("?")[0]).short
    waits = next((t.model for t in decision.order if t.key == holder.key), name)
    since = format_short(max(0.0, decision.now - holder.began_at))
    why = f"its load hangs since {since} and nothing moves: the host is wedged"
    decision.events.append(
        Event(at=decision.now, host=host, model=waits, kind=Kind.WEDGED, why=why)
    )
    resident = wedge.victim(
        _without_paused(view, decision),
        order=decision.order,
        serves=tuple(memory.serves.items()),
        doubts=doubts or (),
        others=decision.rules.cures_others,
    )
    if resident is not None and decision.rules.cures_targets:
        decision.actions.append(Cure(host=host, resident=resident.name))


def _without_paused(view: HostView, decision: Decision) -> HostView:
    """The view without what rests: a cure unloads nothing that passes leave alone."""
    host, paused = decision.order[0].host, decision.seen.paused
    serves = decision.memory.serves
    resting = {serves.get(t.key) for t in decision.order if decision.is_paused(t)}
    return replace(
        view,
        residents=tuple(
            resident
            for resident in view.residents
            if resident.digest not in resting
            and not paused & pauses.of_model(host, residency.normal(resident.name))
        ),
    )
