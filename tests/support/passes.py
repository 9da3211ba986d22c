"""Several passes over one host, without Redis, Celery and an Ollama."""

from typing import Any

from ollama_warmup.target import Target
from tests.support.builders import NOW, RULES, resident, seen
from worker.core import memory as memories
from worker.core import policy, telling
from worker.core.domain import HostView, Resident, Unanswered
from worker.core.memory import Memory
from worker.core.passes import Event, Plan, Rules, Seen, Touch, Warm

REFUSED = Unanswered(text="refused", is_refused=True)
"""The view of a host whose server does not run."""


class Host:
    """A host and what passes remember of it; passes are ten seconds apart."""

    def __init__(self, *targets: Target, rules: Rules = RULES, now: float = NOW):
        self.targets = targets
        self.rules = rules
        self.now = now
        self.memory = Memory()
        self.events: list[Event] = []

    def look(
        self,
        *residents: Resident,
        after_s: float = 10.0,
        view: HostView | Unanswered | None = None,
        **rest: Any,
    ) -> Plan:
        """Let time pass, then make one pass that sees these residents.

        Args:
            residents: listed at the instant of the pass.
            after_s: seconds since the pass before.
            view: the host's answer, instead of `residents`.
            rest: what else the pass sees, as fields of `Seen`.

        Returns:
            The plan of the pass. Its events are added to `events`.
        """
        self.now += after_s
        sight = (
            Seen(view=view, **rest) if view else seen(*residents, now=self.now, **rest)
        )
        order = policy.in_order(self.targets)
        observed = memories.observe(
            self.memory, sight, order, rules=self.rules, now=self.now
        )
        plan = policy.plan(
            self.targets, sight, observed.memory, rules=self.rules, now=self.now
        )
        self.memory, events = telling.tell(
            observed, plan, rules=self.rules, host="gpu", now=self.now
        )
        self.events += events
        return plan

    def resident(
        self,
        name: str,
        left_s: float | None = 300.0,
        context: int = 4096,
        *,
        after_s: float = 10.0,
    ) -> Resident:
        """A resident as it is listed at the next pass, which is `after_s` from now."""
        return resident(name, left_s, context, now=self.now + after_s)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The events so far as (model, kind), without mere changes of a condition."""
        return [
            (e.model, e.kind.value) for e in self.events if e.kind.value != "changed"
        ]


def conditions(plan: Plan) -> dict[str, str]:
    """The condition of each target, by model."""
    return {v.target.model: v.condition.value for v in plan.verdicts}


def why(plan: Plan, model: str) -> str:
    """The reason that the plan gives for the condition of a model."""
    return next(v.why for v in plan.verdicts if v.target.model == model)


def loads(plan: Plan) -> list[str]:
    """The models whose load the plan sends."""
    return [a.target.model for a in plan.actions if isinstance(a, Warm)]


def touches(plan: Plan) -> list[str]:
    """The models that the plan touches."""
    return [a.target.model for a in plan.actions if isinstance(a, Touch)]
