"""What a running system has written into its Redis."""

import json
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis, RedisError

from ollama_warmup.report import HostReport
from tests.support.waiting import until
from worker.adapters.passstore import PassStore

ANSWER_S = 1.0
"""A Redis that a test has stopped does not hold up the test."""
EVENTS = 10_000
REPORT_S = 40.0
"""For a load or two, and the pass that reports them."""
_LAPSING = ("lane", "pass", "sent", "pull", "unloaded")
"""Kinds of keys that have to lapse by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisState:
    """Leases, reports and events of one namespace."""

    url: str
    namespace: str

    @property
    def redis(self) -> Redis:
        """A new client, for whatever no method here reads."""
        return Redis.from_url(self.url, decode_responses=True, socket_timeout=ANSWER_S)

    def keys(self, kind: str) -> list[str]:
        return [str(key) for key in self.redis.keys(f"{self.namespace}:{kind}:*")]

    def holder(self, host: str) -> dict[str, Any] | None:
        """Return the lease of a host's lane, None if no load holds it."""
        lease = self.redis.get(f"{self.namespace}:lane:{host}")
        return json.loads(str(lease)) if lease else None

    def leases(self) -> list[str]:
        """Return the leases of all lanes; none if Redis does not answer."""
        with suppress(RedisError):
            found = [self.redis.get(key) for key in self.keys("lane")]
            return [str(lease) for lease in found if lease]
        return []

    def eternal(self) -> list[str]:
        """Return leases, locks and marks that would never lapse."""
        keys = [key for kind in _LAPSING for key in self.keys(kind)]
        return [key for key in keys if self.redis.ttl(key) == -1]

    def reports(self) -> dict[str, HostReport]:
        """Return what the last passes reported, by host."""
        with closing(PassStore(self.url, namespace=self.namespace)) as store:
            return {report.host: report for report in store.reports()}

    def conditions(self, host: str) -> dict[str, str]:
        """Return the condition of each target of a host, by model."""
        report = self.reports().get(host)
        return {t.model: t.condition.value for t in report.targets} if report else {}

    def why(self, host: str, model: str) -> str:
        """Return the reason that a report gives for a target's condition."""
        targets = self.reports()[host].targets
        return next(target.why for target in targets if target.model == model)

    def is_warm(self, host: str, *models: str) -> bool:
        now = self.conditions(host)
        return all(now.get(model) == "warm" for model in models)

    def wait_for(self, host: str, conditions: dict[str, str]) -> None:
        """Wait until a host reports exactly these conditions."""
        until(
            lambda: self.conditions(host) == conditions,
            f"{host} reports {conditions}",
            seconds=REPORT_S,
            seen=lambda: self.conditions(host),
        )

    def wait_until_warm(self, host: str, *models: str) -> None:
        """Wait until a host reports these models as warm."""
        until(
            lambda: self.is_warm(host, *models),
            f"{', '.join(models)} on {host} are warm",
            seconds=REPORT_S,
            seen=lambda: self.conditions(host),
        )

    def events(self, host: str) -> list[str]:
        """Return the kinds of a host's events, the first one first."""
        with closing(PassStore(self.url, namespace=self.namespace)) as store:
            events = store.events(EVENTS)
        return [event.kind.value for event in reversed(events) if event.host == host]
