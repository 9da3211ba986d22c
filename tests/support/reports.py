"""Reports of passes, written as a pass writes them."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ollama_warmup import report
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport


def write_report(
    served: Any,
    name: str,
    conditions: Mapping[str, Condition] = MappingProxyType({}),
    age_s: float = 0.0,
    **more: Any,
) -> None:
    """Write what the last pass saw on a host: the conditions of its models, and more.

    It goes to the `redis` of what is `served`.
    """
    at = time.time() - age_s
    targets = tuple(
        TargetReport(
            model=model,
            wanted=f"{model}?num_ctx=512",
            condition=condition,
            since=at,
            is_ready=condition is Condition.WARM,
            weights="sha256-1",
            left_s=100,
        )
        for model, condition in conditions.items()
    )
    given: Any = {"url": f"http://{name}:11434", "targets": targets} | more
    given = {"state": HostState.UP, "enabled": True, "tick_s": 10} | given
    seen = HostReport(host=name, at=at, **given)
    served.redis.hset(report.key("ollama-warmup"), name, report.dump(seen))
