"""Pauses and resumes, tells what is paused then, and has a pass show it at once."""

import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from ollama_warmup import publish, warmlist, wire
from ollama_warmup.errors import StoreUnavailable
from worker.adapters.passstore import PassStore
from worker.cli import choosing, joining, reports, tables
from worker.cli.choosing import EVERYTHING, Known

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
        name = EVERYTHING
        if word is not None:
            name = choosing.name_of(word, known, is_forced=is_forced)
        store.pause(name)
        _pass_soon(name, known)
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
            names, name = paused, EVERYTHING
        else:
            name = choosing.name_of(word, known | _as_known(paused))
            names = frozenset({name})
        for one in names:
            store.resume(one)
        _pass_soon(name, known)
        left = store.paused()
        _tell(left, as_json=as_json)
        if EVERYTHING not in left:
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
    models = frozenset(name for name in paused if "/" in name)
    return Known(hosts=frozenset(paused) - models, models=models)


def _pass_soon(name: str, known: Known) -> None:
    """Ask for a pass, so that `ps` shows it; if that fails, the next tick does it."""
    host = name if name in known.hosts else None
    options: dict[str, Any] = {"queue": wire.queue(wire.CONTROL), "expires": SOON_S}
    with suppress(StoreUnavailable), publish.reaching_store():
        publish.app().send_task(
            wire.RECONCILE, kwargs={"host": host}, ignore_result=True, **options
        )


def _tell(paused: Collection[str], *, as_json: bool) -> None:
    if as_json:
        tables.document({"paused": sorted(paused)})
        return
    shown = ", ".join(choosing.short(name) for name in sorted(paused))
    sys.stdout.write(f"paused: {shown}\n" if shown else "nothing is paused\n")
