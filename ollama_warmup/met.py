"""What an application's call met, judged by what the last passes saw. Pure.

A call is judged once, when it is counted. Were its duration kept and judged when
somebody looks, a usual load that changes would make counters go back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from ollama_warmup import names, tally
from ollama_warmup.errors import BadRequest
from ollama_warmup.report import HostReport
from ollama_warmup.tally import OTHER, What

COLD_S = 0.5
"""Nobody calls a shorter wait cold; a warm model is handed over within 0.1 s."""
PART = 0.25
"""Of the time that a load usually takes: less was none, but a wait for others."""
WARM, COLD = "warm", "cold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an application that was answered."""

    url: str
    """Of the server, without the API's path."""
    model: str
    """As the answer names it; empty = it does not."""
    load_s: float
    """Until the model was handed over to it: queueing, evictions and the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What calls are judged by."""

    hosts: Mapping[str, str] = field(default_factory=dict)
    """Names, by address."""
    models: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """As the warm list writes them, by host and normal name; `OTHER` = any host."""
    typical_s: Mapping[str, float] = field(default_factory=dict)
    """What a load takes, by `tally.pair`."""

    @classmethod
    def of(cls, reports: Iterable[HostReport], typical_s: Mapping[str, float]) -> Self:
        """From the reports of all hosts, and the seconds of `tally.typical_key`."""
        hosts: dict[str, str] = {}
        models: dict[tuple[str, str], str] = {}
        least_s = dict(typical_s)
        for one in reports:
            hosts[_address(one.url)] = one.host
            for target in one.targets:
                normal = names.parse(target.model).normal
                models[one.host, normal] = target.model
                label = models.setdefault((OTHER, normal), target.model)
                usual_s = typical_s.get(tally.pair(one.host, target.model))
                if usual_s is not None:
                    anywhere = tally.pair(OTHER, label)
                    least_s[anywhere] = min(least_s.get(anywhere, usual_s), usual_s)
        return cls(hosts=hosts, models=models, typical_s=least_s)

    def series(self, call: Call) -> str:
        """The number that a call adds one to, as `tally.field`."""
        host = self.hosts.get(_address(call.url), OTHER)
        model = self.models.get((host, _normal(call.model)), OTHER)
        usual_s = self.typical_s.get(tally.pair(host, model), 0.0)
        met = COLD if call.load_s >= max(COLD_S, PART * usual_s) else WARM
        return tally.field(What.CALL, met, host=host, model=model)


def _normal(model: str) -> str:
    try:
        return names.parse(model).normal
    except BadRequest:
        return ""


def _address(url: str) -> str:
    """A server's URL in the form in which equal ones are equal."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = "127.0.0.1" if host in {"localhost", "::1"} else host
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"
