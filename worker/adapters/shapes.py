"""Ollama's JSON as our values, for those who ask one host and those who ask many."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Resident, Tag

NONSENSE = (
    *(KeyError, TypeError, ValueError, AttributeError),
    *(OverflowError, RecursionError),
)
"""What these functions raise for an answer that no Ollama gives."""
_BLOB = re.compile(r"^FROM (.*\b(sha256-[0-9a-f]{64}))\s*$", re.MULTILINE)
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)


def view(body: Mapping[str, Any], *, date: str | None) -> HostView:
    """An answer of `/api/ps`, with its Date header; raises one of `NONSENSE`."""
    observed_at = parsedate_to_datetime(date or "")
    if observed_at.tzinfo is None:
        raise ValueError("a Date header without a zone")
    return HostView(
        residents=tuple(map(_resident, body["models"] or ())),
        observed_at=observed_at,
    )


def tags(body: Mapping[str, Any]) -> dict[str, Tag]:
    """An answer of `/api/tags`, by normal name; raises one of `NONSENSE`."""
    return {
        residency.normal(str(row["name"])): Tag(
            digest=str(row["digest"]), size_bytes=int(row.get("size") or 0)
        )
        for row in body["models"]
    }


def info(body: Mapping[str, Any]) -> ModelInfo:
    """An answer of `/api/show`; raises one of `NONSENSE`."""
    facts = body.get("model_info") or {}
    context = facts.get(f"{facts.get('general.architecture')}.context_length")
    blob = _BLOB.search(body.get("modelfile") or "")
    num_ctx = _NUM_CTX.search(body.get("parameters") or "")
    return ModelInfo(
        capabilities=frozenset(body.get("capabilities") or ()),
        training_context=int(context) if context else None,
        modelfile_num_ctx=int(num_ctx[1]) if num_ctx else None,
        blob=blob[2] if blob else None,
        path=blob[1] if blob else None,
        quantization=str((body.get("details") or {}).get("quantization_level") or ""),
        is_remote=bool(body.get("remote_host") or body.get("remote_model")),
    )


def nonsense(host: str, path: str, text: str) -> str:
    """What is wrong with an answer that no Ollama gives."""
    return (
        f"host {host} answers {path} as no Ollama does ({text[:80]!r}): check its URL, "
        "and any proxy before it"
    )


def _resident(row: Mapping[str, Any]) -> Resident:
    context = row.get("context_length")
    return Resident(
        name=str(row["name"]),
        digest=str(row["digest"]),
        context_length=int(context) if context else None,
        size_bytes=int(row["size"]),
        size_vram_bytes=int(row["size_vram"]),
        expires_at=datetime.fromisoformat(row["expires_at"]).astimezone(UTC),
    )
