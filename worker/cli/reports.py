"""Reads the reports of the last passes for commands."""

import re
from dataclasses import dataclass

from ollama_warmup import settings
from ollama_warmup.report import HostReport
from worker.adapters.passstore import PassStore
from worker.cli.choosing import Known
from worker.cli.joining import NoReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What the last passes told."""

    hosts: tuple[HostReport, ...]
    """In the order of their names; at least one."""
    now: float
    """By Redis' clock, as the instants in them."""

    @property
    def known(self) -> Known:
        """The hosts and models in them."""
        targets = [(h.host, t.model) for h in self.hosts for t in h.targets]
        others = [(h.host, o.model) for h in self.hosts for o in h.others]
        return Known.of(targets + others, hosts=(h.host for h in self.hosts))


def open_store() -> PassStore:
    """The connection to what passes share; nothing is opened yet."""
    current = settings.current()
    return PassStore(current.broker_url, namespace=current.namespace)


def read(store: PassStore) -> Reports:
    """Read all of them.

    Raises:
        NoReport: there is none, or another release wrote it.
        StoreUnavailable: Redis does not answer.
    """
    try:
        hosts = store.reports()
    except ValueError as exc:
        raise NoReport(
            "another release wrote the last report: run the same release in workers "
            "and terminal, and start the workers again"
        ) from exc
    if not hosts:
        raise NoReport(
            f"no pass has reported in the namespace {settings.current().namespace} "
            "yet: start the system with `ollama-warmup up`, or wait a tick if it has "
            "just begun"
        )
    _, _, now = store.read({})
    ordered = sorted(hosts, key=lambda report: _natural(report.host))
    return Reports(hosts=tuple(ordered), now=now)


def _natural(name: str) -> list[str | int]:
    """With gpu-2 before gpu-10."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]
