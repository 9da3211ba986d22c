"""Warm lists as files, from a short notation."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_KEYS = ("keep_alive", "priority", "sample")
"""What a model's entry says itself; all else is a runner option."""


def write(path: Path, hosts: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Write a warm list in one step, so that no process reads half of it.

    Args:
        path: of the file.
        hosts: URLs by host name.
        wanted: by host name, its models: "a?num_ctx=512&priority=-1, b".
    """
    rows = [
        _entry(host, model.strip())
        for host, models in wanted.items()
        for model in models.split(",")
    ]
    new = path.with_suffix(".new")
    # JSON is YAML.
    new.write_text(json.dumps({"hosts": dict(hosts), "models": rows}, indent=1) + "\n")
    new.replace(path)


def _entry(host: str, text: str) -> dict[str, Any]:
    model, _, query = text.partition("?")
    pairs = [pair.split("=", 1) for pair in query.split("&") if pair]
    values = {k: int(v) if v.lstrip("-").isdigit() else v for k, v in pairs}
    entry: dict[str, Any] = {"model": model, "hosts": [host]}
    entry |= {key: values.pop(key) for key in _KEYS if key in values}
    return entry | ({"options": values} if values else {})
