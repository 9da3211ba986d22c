"""Reports of passes, written as a pass writes them."""

import time
from typing import Any

from ollama_warmup import report
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport


def write_report(unserved, name, conditions, age_s=0.0, **more):
    """Write what the last pass saw on a host: the condition of each model."""
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
    given: Any = {"state": HostState.UP, "enabled": True, "tick_s": 10} | more
    seen = HostReport(host=name, url=f"http://{name}", at=at, targets=targets, **given)
    unserved.redis.hset(report.key("ollama-warmup"), name, report.dump(seen))
