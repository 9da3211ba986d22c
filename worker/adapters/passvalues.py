"""What passes read of a host and leave of it, and how Redis has it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from ollama_warmup.report import HostReport
from ollama_warmup.target import Target
from worker.core.domain import Holder, LoadRecord, TouchRecord
from worker.core.memory import Memory
from worker.core.passes import Event

_MEMORY = TypeAdapter(Memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What Redis holds of one host when a pass looks."""

    memory: Memory
    records: Mapping[str, LoadRecord]
    touches: Mapping[str, TouchRecord]
    holder: Holder | None
    sent: str | None
    pulling: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a pass leaves of one host."""

    memory: Memory
    report: HostReport
    events: Sequence[Event] = ()
    forgotten: Sequence[str] = ()
    """Keys of targets whose records say nothing any more."""


def shared(row: Sequence[str | None], targets: Sequence[Target]) -> Shared:
    """From the values of `PassStore.read`."""
    memory, lane, sent, pull, *rest = row
    records, touches = {}, {}
    pulled = (pull or "").split()
    pairs = zip(rest[::2], rest[1::2], strict=True)
    for target, (outcome, touch) in zip(targets, pairs, strict=True):
        if outcome:
            records[target.key] = LoadRecord(**json.loads(outcome))
        if touch:
            touches[target.key] = TouchRecord(**json.loads(touch))
    return Shared(
        memory=load_memory(memory),
        records=records,
        touches=touches,
        holder=Holder(**json.loads(lane)) if lane else None,
        sent=sent,
        pulling=frozenset(t.key for t in targets if t.name.normal in pulled),
    )


def dump_memory(memory: Memory) -> str:
    """As JSON, which knows no infinite numbers; none stands in a memory."""
    return _MEMORY.dump_json(memory).decode()


def load_memory(text: str | None) -> Memory:
    """From JSON; what another release wrote is not understood, and no loss."""
    if text is None:
        return Memory()
    try:
        return _MEMORY.validate_json(text)
    except ValidationError:
        return Memory()
