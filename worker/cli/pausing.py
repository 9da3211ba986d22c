"""Pauses and resumes, tells what is paused then, and has a pass show it at once."""

import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from ollama_warmup import publish, warmlist, wire
from ollama_warmup.errors import StoreUnavailable
from worker.adapters.passstore import PassStore
from worker.cli import choosing, joining, reports, tables
from worker.cli.choosing import Known
from worker.core import pauses

DONE, STILL_PAUSED = 0, 1
"""Exit codes."""
SOON_S = 60.0
"""A pass that nobody took by then is void, seconds: another has come."""


def pause(word: str | None, *, is_forced: bool, as_json: bool) -> int:
    """Pause a host, a model or everything.

    Returns:
        The exit code.
    """

    def body() -> int:
        store = reports.open_store()
        known = _known(store)
        name = pauses.ALL
        if word is not None:
            name = choosing.name_of(word, known, is_forced=is_forced)
        store.pause(name)
        pass_soon(name if name in known.hosts else None)
        _tell(store.paused(), as_json=as_json)
        return DONE

    return joining.run("pause", body)


def resume(word: str | None, *, as_json: bool) -> int:
    """Take back a pause, or all of them.

    Returns:
        The exit code.
    """

    def body() -> int:
        store = reports.open_store()
        paused = store.paused()
        known = _known(store)
        if word is None:
            names, name = paused, pauses.ALL
        else:
            name = choosing.name_of(word, known | _as_known(paused))
            names = frozenset(p for p in paused if _is_of(p, name))
        for one in names:
            store.resume(one)
        pass_soon(name if name in known.hosts else None)
        left = store.paused()
        _tell(left, as_json=as_json)
        if pauses.ALL not in left:
            return DONE
        joining.complain(
            "resume",
            f"{word} stays paused, as everything is; type: ollama-warmup resume",
        )
        return STILL_PAUSED

    return joining.run("resume", body)


def _known(store: PassStore) -> Known:
    """What this environment's warm list and the last reports name."""
    listed = warmlist.current()
    ours = Known.of(
        ((target.host, target.model) for target in listed.targets), hosts=listed.hosts
    )
    try:
        return ours | reports.read(store).known
    except joining.NoReport:
        return ours


def _as_known(paused: Collection[str]) -> Known:
    hosts = frozenset(name for name in paused if "/" not in name)
    models = frozenset(name.rpartition(" ")[2] for name in paused if "/" in name)
    return Known(hosts=hosts, models=models)


def _is_of(paused: str, name: str) -> bool:
    """Whether something is paused by a name: a model also if on one host alone."""
    return paused == name or paused.endswith(f" {name}")


def pass_soon(host: str | None) -> None:
    """Ask for a pass, so that `ps` shows it; if that fails, the next tick does it.

    Args:
        host: the one that it is about; None = all of them.
    """
    options: dict[str, Any] = {"queue": wire.queue(wire.CONTROL), "expires": SOON_S}
    with suppress(StoreUnavailable), publish.reaching_store():
        publish.app().send_task(
            wire.RECONCILE, kwargs={"host": host}, ignore_result=True, **options
        )


def _tell(paused: Collection[str], *, as_json: bool) -> None:
    if as_json:
        tables.document({"paused": sorted(paused)})
        return
    shown = ", ".join(pauses.shown(name) for name in sorted(paused))
    sys.stdout.write(f"paused: {shown}\n" if shown else "nothing is paused\n")
