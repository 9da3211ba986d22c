"""Ollama's JSON as our values, for those who ask one host and those who ask many."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from ollama_warmup import errors
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Resident, Tag

NONSENSE = (KeyError, TypeError, ValueError, AttributeError)
"""What these functions raise for an answer that no Ollama gives."""
_BLOB = re.compile(r"^FROM .*\b(sha256-[0-9a-f]{64})\s*$", re.MULTILINE)
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)


def body(response: httpx.Response) -> dict[str, Any]:
    """Any answer; raises one of `NONSENSE`."""
    value = response.json()
    if not isinstance(value, dict):
        raise TypeError
    return value


def view(response: httpx.Response) -> HostView:
    """An answer of `/api/ps`; raises one of `NONSENSE`."""
    observed_at = parsedate_to_datetime(response.headers.get("date"))
    residents = tuple(_resident(row) for row in body(response).get("models") or ())
    return HostView(residents=residents, observed_at=observed_at)


def tags(response: httpx.Response) -> dict[str, Tag]:
    """An answer of `/api/tags`, by normal name; raises one of `NONSENSE`."""
    return {
        residency.normal(str(row["name"])): Tag(
            digest=str(row["digest"]), size_bytes=int(row.get("size") or 0)
        )
        for row in body(response)["models"]
    }


def info(response: httpx.Response) -> ModelInfo:
    """An answer of `/api/show`; raises one of `NONSENSE`."""
    told = body(response)
    facts = told.get("model_info") or {}
    context = facts.get(f"{facts.get('general.architecture')}.context_length")
    blob = _BLOB.search(told.get("modelfile") or "")
    num_ctx = _NUM_CTX.search(told.get("parameters") or "")
    return ModelInfo(
        capabilities=frozenset(told.get("capabilities") or ()),
        training_context=int(context) if context else None,
        modelfile_num_ctx=int(num_ctx[1]) if num_ctx else None,
        blob=blob[1] if blob else None,
        is_remote=bool(told.get("remote_host") or told.get("remote_model")),
    )


def nonsense(response: httpx.Response, *, host: str) -> errors.OllamaUnreachable:
    """The error that an answer which no Ollama gives is."""
    return errors.OllamaUnreachable(
        f"host {host} answers {response.url.path} as no Ollama does "
        f"({response.text[:80]!r}): check its URL, and any proxy before it"
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
