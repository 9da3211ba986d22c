"""What to do on a host: one pure decision, target by target.

`plan` reads what a pass has seen and what passes remember, and says for each target
in which condition it is, why, and what to send. It changes nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ollama_warmup.durations import format_short
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import failures, residency, stays, wedge
from worker.core.departures import KEEP_ALIVE, LEARNED_S, Loss
from worker.core.domain import FOREVER, HostView, ModelInfo, Resident, Unanswered
from worker.core.memory import Memory, serving
from worker.core.passes import (
    Action,
    Cure,
    Event,
    Kind,
    Plan,
    Pull,
    Rules,
    Seen,
    Touch,
    Verdict,
    Warm,
)
from worker.core.stays import Stay

LEAD_TICKS, LEAD_S = 2.5, 1.0
"""A timer nearer than so many ticks and seconds is restarted."""
PROOF_S = 3_600.0
"""A runner that nobody asked for so long is asked: a dead one stays listed."""
USED_TICKS = 3
"""Who was used within so many ticks is in use."""
ASK_AGAIN_TICKS, ASK_AGAIN_S = 0.9, 60.0
"""An unanswered touch is sent again after so long: to hold a timer, as proof."""
PULL_AGAIN_S = 600.0
ALL = "*"
"""In `Seen.paused`: everything is."""


def in_order(targets: Sequence[Target]) -> list[Target]:
    """The targets of a host, most wanted first."""
    return sorted(targets, key=lambda target: -target.priority)


def lead_s(stay: Stay, *, tick_s: float) -> float:
    """How near a timer may come before it is restarted, seconds.

    Two and a half ticks and a second; never above half the window, if it is known.
    """
    lead = LEAD_TICKS * tick_s + LEAD_S
    return lead if stay.window_s is None else min(lead, stay.window_s / 2)


def plan(
    targets: Sequence[Target], seen: Seen, memory: Memory, *, rules: Rules, now: float
) -> Plan:
    """Say of each target how it is, and what is to be done.

    For each target, the most wanted first:

    (1) Paused: asleep.
    (2) Its host gave no answer: unknown, and nothing is sent.
    (3) Its own load is in flight: loading.
    (4) Resident with the expected context:
        (a) it shares its runner with a more wanted target of other options, or took
            the room of one: unfit, and not held;
        (b) its keep-alive is too short to be held: drifted, and not touched;
        (c) its timer is far enough away, infinite or past, and it answered somebody
            within the hour: nothing is sent;
        (d) else: touched.
    (5) Resident with another context: drifted, and left so.
    (6) Not resident:
        (a) the host does not have it: pulled if that is wanted, else failing;
        (b) its last load failed, and nobody may load yet: failing;
        (c) somebody else has its room: contested, or unfit beside a target;
        (d) the lane is free: loaded, one a host a pass; else queued.

    A wedged host is cured once in ten minutes. When passes are not enabled, nothing
    is sent at all.

    Args:
        targets: what is wanted of the host, in the order of the warm list.
        seen: what the pass saw.
        memory: of the host, with this look in it (`memory.observe`).
        rules: the deployment's.
        now: by the store's clock, Unix seconds.
    """
    decision = _Decision(
        order=in_order(targets), seen=seen, memory=memory, rules=rules, now=now
    )
    verdicts = tuple(decision.verdict(target) for target in decision.order)
    decision.watch_wedge()
    return Plan(
        verdicts=verdicts,
        actions=tuple(decision.actions) if rules.enabled else (),
        events=tuple(decision.events),
    )


@dataclass(slots=True, kw_only=True)
class _Decision:
    order: list[Target]
    seen: Seen
    memory: Memory
    rules: Rules
    now: float
    actions: list[Action] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    cold: set[str] = field(default_factory=set)
    """Keys of more wanted targets that are not resident."""
    is_lane_taken: bool = False
    touched: set[str] = field(default_factory=set)

    def verdict(self, target: Target) -> Verdict:
        view, holder = self.seen.view, self.seen.holder
        if self.seen.paused & {ALL, target.host, target.name.normal}:  # (1)
            return Verdict(target=target, condition=Condition.ASLEEP, why="paused")
        if isinstance(view, Unanswered):  # (2)
            return Verdict(target=target, condition=Condition.UNKNOWN, why=view.text)
        if holder is not None and holder.key == target.key:  # (3)
            self.cold.add(target.key)
            return Verdict(
                target=target,
                condition=Condition.LOADING,
                why=self._loading(holder.began_at, holder.expected_s),
                expected_s=holder.expected_s,
                elapsed_s=max(0.0, self.now - holder.began_at),
            )
        resident = serving(target, view.residents, self.seen)
        if resident is None or not residency.stays(resident, view):
            self.cold.add(target.key)
            return self._absent(target, view)  # (6)
        return self._resident(target, resident)

    def _loading(self, began_at: float, expected_s: float | None) -> str:
        so_far = format_short(max(0.0, self.now - began_at))
        usually = f", usually {format_short(expected_s)}" if expected_s else ""
        return f"loading since {so_far}{usually}"

    def _resident(self, target: Target, resident: Resident) -> Verdict:
        stay = self.memory.stays[resident.digest]
        expected = self._expected(target, resident)
        left_s = math.inf if _is_forever(stay) else stay.left_s

        def say(condition: Condition, why: str = "", *, fits: bool = True) -> Verdict:
            return Verdict(
                target=target,
                condition=condition,
                why=why,
                resident=resident,
                left_s=left_s,
                wanted_context=expected,
                is_ready=fits,
            )

        fits = self._fits(target, resident, expected)
        if rival := self._sharer(target, resident):  # (4a)
            why = f"shares its runner with {rival.model}, which wants other options"
            return say(Condition.UNFIT, why, fits=fits)
        if not fits:  # (5)
            loaded = resident.context_length
            why = f"loaded with context {loaded}, wanted {expected}"
            return say(Condition.DRIFTED, why, fits=False)
        if above := self._taken_from(target):  # (4a)
            return say(Condition.UNFIT, f"not held: it took the room of {above}")
        drift = self._drift(target, stay)
        if stay.is_short(self.rules.tick_s):  # (4b)
            self._tell_short(target, stay, drift)
        else:
            self._hold(target, stay, left_s)  # (4c), (4d)
        return say(Condition.DRIFTED if drift else Condition.WARM, drift)

    def _expected(self, target: Target, resident: Resident) -> int | None:
        infos, name = self.seen.infos, target.name.normal
        return residency.wanted_context(target, resident, lambda: infos.get(name))

    def _fits(self, target: Target, resident: Resident, expected: int | None) -> bool:
        if residency.has_context(resident, expected):
            return True
        record = self.seen.records.get(target.key)  # what a load of ours has shown
        return (
            record is not None
            and record.error is None
            and record.digest == resident.digest
            and record.context_length == resident.context_length
        )

    def _sharer(self, target: Target, resident: Resident | None) -> Target | None:
        """The more wanted target that needs another runner of the same weights."""
        mine = self.seen.infos.get(target.name.normal)
        for other in self.order[: self.order.index(target)]:
            info = self.seen.infos.get(other.name.normal)
            if not (mine and info and mine.blob and mine.blob == info.blob):
                continue
            if self.seen.paused & {other.name.normal}:
                continue
            if _need_other_runners(target, mine, other, info, resident):
                return other
        return None

    def _taken_from(self, target: Target) -> str:
        """The more wanted target that is cold because this one has its room."""
        loss = self._loss(target)
        for other in self.order if loss else ():
            if other.key in self.cold and loss and loss.by == other.name.short:
                return other.model
        return ""

    def _drift(self, target: Target, stay: Stay) -> str:
        """What its keep-alive is against what is wanted, or nothing."""
        window_s, wanted_s = stay.window_s, target.keep_alive_s
        if window_s is None or math.isinf(window_s):
            return ""
        if wanted_s is not None and window_s < wanted_s - 2 * stays.MOVED_S:
            wanted = "for ever" if math.isinf(wanted_s) else format_short(wanted_s)
            return f"keep-alive {format_short(window_s)}, wanted {wanted}"
        if stay.is_short(self.rules.tick_s):
            ticks = format_short(stays.SHORT_TICKS * self.rules.tick_s)
            return (
                f"its keep-alive of {format_short(window_s)} cannot be held, as it is "
                f"below 3 ticks ({ticks})"
            )
        return ""

    def _tell_short(self, target: Target, stay: Stay, why: str) -> None:
        if not stay.is_short_told:
            event = Event(
                at=self.now,
                host=target.host,
                model=target.model,
                kind=Kind.SHORT,
                why=why,
            )
            self.events.append(event)

    def _hold(self, target: Target, stay: Stay, left_s: float) -> None:
        if stay.digest in self.touched or stay.is_untouchable or left_s < 0:
            return
        near = left_s < lead_s(stay, tick_s=self.rules.tick_s)
        asked_s = self.now - stay.asked_at
        if near and asked_s < ASK_AGAIN_TICKS * self.rules.tick_s:
            return
        is_mute = self.now - stay.proof_at >= PROOF_S and asked_s >= ASK_AGAIN_S
        if not near and not is_mute:
            return
        if near and self._is_in_use(target, stay):
            return
        self.touched.add(stay.digest)
        mine = stay.ours == target.key
        self.actions.append(
            Touch(
                target=target,
                digest=stay.digest,
                num_ctx=None if mine else stay.context_length,
                left_s=left_s,
            )
        )

    def _is_in_use(self, target: Target, stay: Stay) -> bool:
        """Whether the last touch found somebody at work, so that it will go on."""
        touch = self.seen.touches.get(target.key)
        return (
            touch is not None
            and touch.error is None
            and touch.digest == stay.digest
            and touch.left_s is None
            and self.now - touch.at < LEAD_TICKS * self.rules.tick_s
        )

    def _absent(self, target: Target, view: HostView) -> Verdict:
        condition, why = self._why_absent(target, view)
        expected = None
        if info := self.seen.infos.get(target.name.normal):
            expected = residency.expected_context(target.options.num_ctx, info)
        return Verdict(
            target=target, condition=condition, why=why, wanted_context=expected
        )

    def _why_absent(self, target: Target, view: HostView) -> tuple[Condition, str]:
        if missing := self._missing(target):  # (a)
            return missing
        record = self.seen.records.get(target.key)
        if record and record.error and self.now < failures.next_pass_at(record):  # (b)
            again = format_short(failures.next_pass_at(record) - self.now)
            return Condition.FAILING, f"{record.text} (next try in {again})"
        if rival := self._sharer(target, None):
            return Condition.UNFIT, f"shares its runner with {rival.model}"
        if lost := self._lost(target, view):  # (c)
            return lost
        return self._load(target)  # (d)

    def _missing(self, target: Target) -> tuple[Condition, str] | None:
        info = self.seen.infos.get(target.name.normal)
        if info is not None and info.is_remote:
            return Condition.FAILING, "it stands for a model in Ollama's cloud"
        if self.seen.tags is None or target.name.normal in self.seen.tags:
            return None
        if not target.pull:
            return (
                Condition.FAILING,
                (
                    f"{target.host} does not have it: run `ollama pull "
                    f"{target.model}` there, or say pull: true in the warm list"
                ),
            )
        if target.key in self.seen.pulling:
            return Condition.QUEUED, "it is being pulled"
        if self.now - self.memory.pulls.get(target.key, -math.inf) >= PULL_AGAIN_S:
            self.actions.append(Pull(target=target))
        return Condition.QUEUED, "it is to be pulled"

    def _loss(self, target: Target) -> Loss | None:
        loss = self.memory.losses.get(target.key)
        return loss if loss and self.now - loss.at < LEARNED_S else None

    def _lost(self, target: Target, view: HostView) -> tuple[Condition, str] | None:
        loss = self._loss(target)
        if loss is None:
            return None
        if self.now < loss.until:
            again = format_short(loss.until - self.now)
            if loss.is_open:
                return Condition.COLD, f"it went suddenly; loaded again in {again}"
            taken = "ran out" if loss.by == KEEP_ALIVE else "took its room"
            why = f"{loss.by} {taken} {loss.times} times; next try in {again}"
            return Condition.CONTESTED, why
        by = next((r for r in view.residents if r.name == loss.by), None)
        if by is None or len(view.residents) < loss.residents:
            return None
        return self._beside(target, self.memory.stays[by.digest])

    def _beside(self, target: Target, by: Stay) -> tuple[Condition, str] | None:
        """What the one that has the room means for a target."""
        above = self.order[: self.order.index(target)]
        owners = [t for t in self.order if self.memory.serves.get(t.key) == by.digest]
        if owners:
            fits = not any(owner in above for owner in owners)
            why = f"does not fit beside {owners[0].model}, which is wanted more"
            return None if fits else (Condition.UNFIT, why)
        if by.is_busy or self.now - by.used_at < USED_TICKS * self.rules.tick_s:
            return Condition.CONTESTED, f"{by.name} has its room, and is in use"
        return None

    def _load(self, target: Target) -> tuple[Condition, str]:
        holder, sent = self.seen.holder, self.seen.sent
        if sent == target.key:
            return Condition.QUEUED, "its load is sent"
        busy = holder.key if holder else sent
        if busy is not None or self.is_lane_taken:
            return Condition.QUEUED, "another load of its host comes first"
        if not self.rules.enabled:
            return Condition.COLD, "not loaded: OLLAMA_WARMUP_ENABLED is not true"
        self.is_lane_taken = True
        self.actions.append(Warm(target=target))
        return Condition.QUEUED, "its load is sent"

    def watch_wedge(self) -> None:
        """Tell a wedge, and free the host."""
        view, memory, holder = self.seen.view, self.memory, self.seen.holder
        if isinstance(view, Unanswered) or holder is None:
            return
        if not wedge.is_wedged(memory.still, view):
            return
        if self.now - memory.wedged_at < wedge.AGAIN_S:
            return
        waits = next((t for t in self.order if t.key == holder.key), None)
        host = self.order[0].host if self.order else ""
        model = waits.model if waits else holder.key
        since = format_short(max(0.0, self.now - holder.began_at))
        why = f"its load hangs since {since}, and nothing moves: the host is wedged"
        self.events.append(
            Event(at=self.now, host=host, model=model, kind=Kind.WEDGED, why=why)
        )
        resident = wedge.victim(
            view,
            order=self.order,
            serves=tuple(memory.serves.items()),
            others=self.rules.cures_others,
        )
        if resident is not None and self.rules.cures_targets:
            self.actions.append(
                Cure(
                    host=host,
                    resident=resident.name,
                    is_embedding=self._embeds(resident),
                )
            )

    def _embeds(self, resident: Resident) -> bool:
        info = self.seen.infos.get(residency.normal(resident.name))
        return info is not None and info.is_embedding_only


def _is_forever(stay: Stay) -> bool:
    return stay.left_s > FOREVER.total_seconds()


def _need_other_runners(
    target: Target,
    info: ModelInfo,
    other: Target,
    others: ModelInfo,
    resident: Resident | None,
) -> bool:
    """Whether two targets on the same weights cannot be served by one runner.

    Without a `num_ctx` any context will do.
    """
    mine, theirs = target.options.given(), other.options.given()
    contexts = [
        residency.expected_context(options.pop("num_ctx", i.modelfile_num_ctx), i)
        for options, i in ((mine, info), (theirs, others))
    ]
    if mine != theirs:
        return True
    wanted, given = contexts
    if wanted is None or wanted == given:
        return False
    if given is not None:
        return True
    return resident is None or not residency.has_context(resident, wanted)
