"""What a pass reads of a host and leaves of it; all frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ollama_warmup.report import HostReport
from worker.core.domain import (
    Holder,
    HostView,
    LoadRecord,
    ModelInfo,
    Tag,
    TouchRecord,
    Unanswered,
)
from worker.core.memory import Memory
from worker.core.passes import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResponse:
    """What one host answered to one pass."""

    view: HostView | Unanswered
    tags: Mapping[str, Tag] | None = None
    """What the host has, by normal name; None = it did not tell."""
    infos: Mapping[str, ModelInfo] = field(default_factory=dict)
    """Of targets and residents, by normal name, as far as the host told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHost:
    """What Redis holds of one host when a pass looks."""

    memory: Memory
    records: Mapping[str, LoadRecord]
    """By target's key."""
    touches: Mapping[str, TouchRecord]
    """By target's key."""
    holder: Holder | None
    sent: str | None
    """The key of the target whose load is sent, and not begun."""
    unloaded: Mapping[str, float]
    """When we unloaded residents, by digest; by the store's clock, whole seconds."""
    pulling: frozenset[str]
    """Keys of targets that are being pulled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """What a pass leaves of one host."""

    memory: Memory
    report: HostReport
    events: Sequence[Event] = ()
    forgotten: Sequence[str] = ()
    """Keys of targets whose records say nothing any more."""
