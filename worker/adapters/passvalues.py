"""How Redis has what passes read of a host and leave of it."""

import json
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from ollama_warmup.target import Target
from worker.core.domain import Holder, LoadRecord, TouchRecord
from worker.core.memory import Memory
from worker.core.pass_values import StoredHost

_MEMORY = TypeAdapter(Memory)


def stored_host(row: Sequence[str | None], targets: Sequence[Target]) -> StoredHost:
    """From the values of `PassStore.read`."""
    memory, lane, sent, pull, unloaded, *rest = row
    records, touches = {}, {}
    pulled = (pull or "").split()
    pairs = zip(rest[::2], rest[1::2], strict=True)
    for target, (outcome, touch) in zip(targets, pairs, strict=True):
        if outcome:
            records[target.key] = LoadRecord(**json.loads(outcome))
        if touch:
            touches[target.key] = TouchRecord(**json.loads(touch))
    return StoredHost(
        memory=load_memory(memory),
        records=records,
        touches=touches,
        holder=Holder(**json.loads(lane)) if lane else None,
        sent=sent,
        unloaded=json.loads(unloaded) if unloaded else {},
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
