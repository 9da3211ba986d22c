"""A host as a pass sees it, said in few words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ollama_warmup import request
from ollama_warmup.target import Target
from worker.core import memory as memories
from worker.core import policy, telling
from worker.core.domain import (
    FOREVER,
    Holder,
    HostView,
    LoadRecord,
    ModelInfo,
    Resident,
    Tag,
    TouchRecord,
)
from worker.core.memory import Memory
from worker.core.passes import Rules, Seen

HOST_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""The host's clock at the store's second 0: they need not agree."""
NOW = 10_000.0
RULES = Rules(tick_s=10)
INFO = ModelInfo(
    capabilities=frozenset({"completion"}),
    training_context=8192,
    modelfile_num_ctx=None,
    blob=None,
    is_remote=False,
)


def target(text, **rest):
    return replace(Target.of(request.parse(text), host="gpu"), **rest)


def resident(name, left_s=300.0, context=4096, *, now=NOW, digest=None):
    """Listed with so much time left at the store's second `now`."""
    left = FOREVER * 2 if left_s is None else timedelta(seconds=left_s)
    name = name if ":" in name else f"{name}:latest"
    return Resident(
        name=name,
        digest=digest or f"d-{name}",
        context_length=context,
        size_bytes=100,
        size_vram_bytes=100,
        expires_at=HOST_TIME + timedelta(seconds=now) + left,
    )


def view(*residents, now=NOW):
    return HostView(residents=residents, observed_at=HOST_TIME + timedelta(seconds=now))


def loaded(resident, *, at=NOW - 1, left_s=300.0, task_id="t"):
    """The record of a load of ours that made this resident."""
    return LoadRecord(
        task_id=task_id,
        attempt=1,
        ended_at=at,
        load_s=2.0,
        digest=resident.digest,
        context_length=resident.context_length,
        left_s=left_s,
    )


def touched(resident, *, at=NOW - 1, left_s=300.0, **rest):
    return TouchRecord(
        at=at,
        digest=resident.digest,
        context_length=resident.context_length,
        left_s=left_s,
        **rest,
    )


def holder(key, *, began_at=NOW - 5, late_s=30.0, expected_s=8.0):
    return Holder(
        nonce="n",
        key=key,
        task_id="t",
        process="w:1",
        began_at=began_at,
        expected_s=expected_s,
        late_s=late_s,
    )


def tags(*names):
    return {
        request.parse(name).name.normal: Tag(
            digest=f"d-{request.parse(name).name.short}", size_bytes=100
        )
        for name in names
    }


def infos(**blobs):
    """What the host tells of models, with the blobs of their weights."""
    return {
        request.parse(name).name.normal: replace(INFO, blob=blob)
        for name, blob in blobs.items()
    }


def seen(*residents, now=NOW, **rest):
    return Seen(view=view(*residents, now=now), **rest)


class Host:
    """Several passes over one host, ten seconds apart."""

    def __init__(self, *targets, rules=RULES, now=NOW):
        self.targets = targets
        self.rules = rules
        self.now = now
        self.memory = Memory()
        self.events = []

    def look(self, *residents, after_s=10.0, view=None, **rest):
        """One pass; residents are those of this instant. Returns its plan."""
        self.now += after_s
        sight = Seen(view=view, **rest) if view else self._seen(residents, rest)
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

    def _seen(self, residents, rest):
        return seen(*residents, now=self.now, **rest)

    def resident(self, name, left_s=300.0, context=4096, *, after_s=10.0):
        """As it will be listed at the next look."""
        return resident(name, left_s, context, now=self.now + after_s)


def conditions(plan):
    return {v.target.model: v.condition.value for v in plan.verdicts}


def why(plan, model):
    return next(v.why for v in plan.verdicts if v.target.model == model)
