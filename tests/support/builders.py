"""Builders of what a pass reads: targets, residents, views and records of a host.

The defaults make a host where nothing is wrong; a test states what differs. All
instants are those of the store's clock, in Unix seconds.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ollama_warmup import request
from ollama_warmup.target import Target
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
from worker.core.passes import Rules, Seen
from worker.core.stays import Stay

NOW = 1_000_000.0
"""When a test takes place, unless it says otherwise."""
HOST_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""The host's clock at the store's second 0: the two clocks need not agree."""
RULES = Rules(tick_s=10)
INFO = ModelInfo(
    capabilities=frozenset({"completion"}),
    training_context=8192,
    modelfile_num_ctx=None,
    blob=None,
    is_remote=False,
    quantization="Q4_K_M",
)
"""What `/api/show` tells of an ordinary model."""


def target(text: str, **rest: Any) -> Target:
    """A target of the host `gpu`; `text` is as in the warm list."""
    return replace(Target.of(request.parse(text), host="gpu"), **rest)


def resident(
    name: str,
    left_s: float | None = 300.0,
    context: int | None = 4096,
    *,
    now: float = NOW,
    digest: str | None = None,
    size_bytes: int = 100,
) -> Resident:
    """A model that `/api/ps` lists at `now`, all of it in VRAM.

    Args:
        name: without a tag it gets `latest`, as Ollama lists it.
        left_s: what is left of its timer at `now`; None = it has no timer.
        context: its context length; None = the server does not tell.
        now: the instant of the view that lists it.
        digest: of its manifest; None = one made from its name.
        size_bytes: of the loaded model.
    """
    left = FOREVER * 2 if left_s is None else timedelta(seconds=left_s)
    name = name if ":" in name else f"{name}:latest"
    return Resident(
        name=name,
        digest=digest or f"d-{name}",
        context_length=context,
        size_bytes=size_bytes,
        size_vram_bytes=size_bytes,
        expires_at=HOST_TIME + timedelta(seconds=now) + left,
    )


def view(*residents: Resident, now: float = NOW) -> HostView:
    """The answer of `/api/ps` at `now`."""
    return HostView(residents=residents, observed_at=HOST_TIME + timedelta(seconds=now))


def seen(*residents: Resident, now: float = NOW, **rest: Any) -> Seen:
    """What a pass has seen of a host at `now`."""
    return Seen(view=view(*residents, now=now), **rest)


def loaded(
    there: Resident,
    *,
    at: float = NOW - 1,
    left_s: float | None = 300.0,
    task_id: str = "t",
) -> LoadRecord:
    """The record of a load of ours that made this resident, and ended at `at`."""
    return LoadRecord(
        task_id=task_id,
        attempt=1,
        ended_at=at,
        load_s=2.0,
        digest=there.digest,
        context_length=there.context_length,
        left_s=left_s,
    )


def failed(
    error: str, *, ended_at: float = NOW + 9, is_final: bool = True, strikes: int = 1
) -> LoadRecord:
    """The record of a load of ours that failed; no task retries it for 5 s."""
    return LoadRecord(
        task_id="t",
        attempt=1,
        ended_at=ended_at,
        error=error,
        text="it broke",
        is_final=is_final,
        strikes=strikes,
        blocked_until=ended_at + 5,
    )


def touched(
    there: Resident, *, at: float = NOW - 1, left_s: float | None = 300.0, **rest: Any
) -> TouchRecord:
    """The record of a touch of this resident that ended at `at`.

    `left_s` is what was left of the timer then; None = another request was running.
    """
    return TouchRecord(
        at=at,
        digest=there.digest,
        context_length=there.context_length,
        left_s=left_s,
        **rest,
    )


def stay(
    name: str = "a",
    left_s: float = 300.0,
    *,
    seen_s: float = 0.0,
    context: int | None = 4096,
    **rest: Any,
) -> Stay:
    """A residency as passes remember it at `NOW`; no application was seen to use it.

    Args:
        name: without a tag it gets `latest`, as Ollama lists it.
        left_s: what is left of its timer at `NOW`; negative = it is busy.
        seen_s: when a view last listed it, seconds after `NOW`.
        context: its context length.
        rest: further fields of `Stay`.
    """
    host_s = HOST_TIME.timestamp() + NOW
    known: dict[str, Any] = {"used_at": 0.0, "proof_at": NOW} | rest
    return Stay(
        name=f"{name}:latest",
        digest=f"d-{name}:latest",
        context_length=context,
        expires_at=host_s + left_s,
        seen_at=host_s + seen_s,
        **known,
    )


def holder(
    key: str,
    *,
    began_at: float = NOW - 5,
    late_s: float | None = 30.0,
    expected_s: float | None = 8.0,
) -> Holder:
    """The load of ours in flight: that of the target with this key."""
    return Holder(
        nonce="n",
        key=key,
        task_id="t",
        process="w:1",
        began_at=began_at,
        expected_s=expected_s,
        late_s=late_s,
    )


def tags(*names: str, size_bytes: int = 100) -> dict[str, Tag]:
    """The models that `/api/tags` lists, by normal name."""
    parsed = [request.parse(name).name for name in names]
    return {
        name.normal: Tag(digest=f"d-{name.short}", size_bytes=size_bytes)
        for name in parsed
    }


def infos(**blobs: str) -> dict[str, ModelInfo]:
    """What `/api/show` tells of models, by normal name, given their weights' blobs."""
    return {
        request.parse(name).name.normal: replace(INFO, blob=blob)
        for name, blob in blobs.items()
    }
