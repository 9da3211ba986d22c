"""Which resident is the wanted model, and is it warm? Pure.

`/api/ps` shows a runner under the name that loaded it first, so equal names are
only the first of three ways to be the same (source: Ollama `schedulerModelKey`,
server/sched.go: a runner's key is the path of the weights' blob).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache

from ollama_warmup import names
from ollama_warmup.errors import BadRequest
from ollama_warmup.target import Target
from worker.core.domain import FOREVER, HostView, ModelInfo, Resident

LEAST_LEFT = timedelta(seconds=1)
"""A model with less time left is not called warm."""
SMALLEST_CONTEXT = 4
SMALLEST_VISION_CONTEXT = 2_048


def by_name(name: names.Name, residents: Iterable[Resident]) -> Resident | None:
    """The resident listed under the same name in any of its forms."""
    wanted = name.normal
    for resident in residents:
        if normal(resident.name) == wanted:
            return resident
    return None


def by_digest(digest: str | None, residents: Iterable[Resident]) -> Resident | None:
    """The resident with this manifest digest: an alias's."""
    return next((r for r in residents if digest and r.digest == digest), None)


def by_blob(
    blob: str | None, residents: Iterable[Resident], infos: Mapping[str, ModelInfo]
) -> Resident | None:
    """The resident that runs these weights, as far as the host told of it.

    Args:
        blob: the weights', or None.
        residents: any.
        infos: what is known of models, by normal name.
    """
    if blob is None:
        return None
    return next(
        (r for r in residents if (i := infos.get(normal(r.name))) and i.blob == blob),
        None,
    )


@lru_cache(maxsize=4_096)
def normal(listed: str) -> str:
    """The normal form of a name that a host lists."""
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


def wanted_context(
    target: Target, resident: Resident, info: Callable[[], ModelInfo | None]
) -> int | None:
    """The context that a resident must have to be a target.

    A child's own, when its parent is resident.

    Args:
        target: what is wanted.
        resident: what serves its model.
        info: of the target's model; asked only if it matters.

    Returns:
        Tokens; None = any.
    """
    num_ctx = target.options.num_ctx
    named = by_name(target.name, (resident,)) is not None
    if named and num_ctx in {None, resident.context_length}:
        return num_ctx
    known = info()
    if known is None:
        return num_ctx
    if num_ctx is None and not named:
        num_ctx = known.modelfile_num_ctx
    return expected_context(num_ctx, known)


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
