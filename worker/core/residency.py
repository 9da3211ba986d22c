"""Which resident is the wanted model, and is it warm? Pure.

`/api/ps` shows a runner under the name that loaded it first, so equal names are
only the first of three ways to be the same (source: Ollama `schedulerModelKey`,
server/sched.go: a runner's key is the path of the weights' blob).
"""

from collections.abc import Iterable
from datetime import timedelta

from ollama_warmup import names
from ollama_warmup.errors import BadRequest
from worker.core.domain import FOREVER, HostView, ModelInfo, Resident

LEAST_LEFT = timedelta(seconds=1)
"""A model with less time left is not called warm."""
SMALLEST_CONTEXT = 4
SMALLEST_VISION_CONTEXT = 2_048


def by_name(name: names.Name, residents: Iterable[Resident]) -> Resident | None:
    """The resident listed under the same name in any of its forms."""
    return next((r for r in residents if _normal(r.name) == name.normal), None)


def by_digest(digest: str | None, residents: Iterable[Resident]) -> Resident | None:
    """The resident with this manifest digest: an alias's."""
    return next((r for r in residents if digest and r.digest == digest), None)


def _normal(listed: str) -> str:
    try:
        return names.parse(listed).normal
    except BadRequest:  # listed by a server with other rules: equals itself alone
        return listed.lower()


def expected_context(num_ctx: int | None, info: ModelInfo) -> int | None:
    """The context that `/api/ps` shows after a load with this `num_ctx`.

    At least 4, with vision 2,048, at most what the model was trained with
    (source: `getRunner` and `effectiveContext`, server/sched.go at 0.33).

    Returns:
        Tokens; None = any, the server decides.
    """
    if num_ctx is None:
        return None
    least = SMALLEST_VISION_CONTEXT if "vision" in info.capabilities else 0
    wanted = max(num_ctx, least, SMALLEST_CONTEXT)
    return min(wanted, info.training_context or wanted)


def has_context(resident: Resident, expected: int | None) -> bool:
    """Whether it is loaded with this context, as far as the server shows it."""
    return expected is None or resident.context_length in {None, expected}


def stays(resident: Resident, view: HostView) -> bool:
    """Whether it stays loaded: time left, no timer, or busy."""
    left = view.left(resident)
    return left > LEAST_LEFT or is_busy(resident, view)


def is_busy(resident: Resident, view: HostView) -> bool:
    """Whether it is certainly answering somebody: its timer lies in the past.

    A busy model's `expires_at` is not moved until its work ends, so one that is
    busy since less than its keep-alive cannot be told from an idle one.
    """
    return view.left(resident) < timedelta(0)


def is_forever(left: timedelta) -> bool:
    """Whether a time left means that there is no timer."""
    return left > FOREVER
