"""Lets models go: pauses what is declared first, so that no pass loads it again."""

from collections.abc import Iterable
from dataclasses import replace

from ollama_warmup import request, warmlist
from ollama_warmup.errors import BadRequest
from worker.adapters.passstore import PassStore
from worker.cli import joining, pausing, reports, waiting
from worker.cli.dispatch import Order, Wish
from worker.cli.errands import UNLOAD
from worker.core import pauses, residency


def run(wish: Wish) -> int:
    """Unload what is wished for.

    Returns:
        The exit code.
    """
    return waiting.run(UNLOAD, wish, prepare=_pause)


def _pause(order: Order) -> Order:
    """Pause those that are declared, each on the host that is meant.

    Raises:
        BadRequest: a model is wanted on several hosts, and none is named.
        StoreUnavailable: Redis does not answer.
    """
    store = reports.open_store()
    wanted = _wanted(store)
    calls = [meant(call, wanted) for call in order.calls]
    notes = []
    for model, host in calls:
        normal = request.parse(model).name.normal
        if host is None or (host, normal) not in wanted:
            continue
        store.pause(pauses.on(host, normal))
        pausing.pass_soon(host)
        short = pauses.shown(normal)
        notes.append(
            f"{short} on {host} is paused, so that no pass loads it again; take it "
            f"back with: ollama-warmup resume {short}"
        )
    return replace(order, calls=calls, notes=notes)


def meant(
    call: tuple[str, str | None], wanted: Iterable[tuple[str, str]]
) -> tuple[str, str | None]:
    """A model and its host, as far as it is known which is meant.

    Args:
        call: a request, and the host that was named.
        wanted: hosts, and normal names of the models that are declared on them.

    Raises:
        BadRequest: it is wanted on several hosts, and none is named.
    """
    model, host = call
    normal = request.parse(model).name.normal
    hosts = sorted(name for name, declared in wanted if declared == normal)
    if host is not None or not hosts:
        return call
    if len(hosts) > 1:
        raise BadRequest(
            f"{model} is wanted on {' and '.join(hosts)}: say which one with --host"
        )
    return model, hosts[0]


def _wanted(store: PassStore) -> set[tuple[str, str]]:
    """What this environment's warm list and the last reports declare."""
    ours = {(t.host, t.name.normal) for t in warmlist.current().targets}
    try:
        seen = reports.read(store)
    except joining.NoReport:
        return ours
    return ours | {
        (host.host, residency.normal(target.model))
        for host in seen.hosts
        for target in host.targets
    }
