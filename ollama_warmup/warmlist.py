"""The only reader of the warm list: which hosts there are, and what is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ollama_warmup import request, settings
from ollama_warmup.errors import BadRequest, BadSettings
from ollama_warmup.settings import Settings
from ollama_warmup.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One Ollama server of the configuration."""

    name: str
    url: str
    """As `ollama_warmup.settings.host_url` returns it."""
    token: str | None = None
    """For `Authorization: Bearer`, as it is written: its secret is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmList:
    """What is wanted, where."""

    hosts: Mapping[str, Host]
    """By name, in order; at least one."""
    targets: tuple[Target, ...]
    """Hosts in their order and models in theirs; may be empty."""
    is_named: bool
    """Whether hosts were declared; else the one at `OLLAMA_HOST` is meant."""
    problem: str | None = None
    """Why a changed file is not taken up, and this is still the one before."""

    def of(self, host: str) -> tuple[Target, ...]:
        """The targets of one host, in their order."""
        return tuple(target for target in self.targets if target.host == host)


def read(told: Settings) -> WarmList:
    """Read hosts and models.

    Raises:
        BadSettings: a model that is written wrong or twice; the message names it.
    """
    hosts = {
        name: Host(name=name, url=url)
        for name, url in (
            told.named_hosts or {settings.DEFAULT_HOST: told.ollama_host}
        ).items()
    }
    models = _models(told.models)
    return WarmList(
        hosts=hosts,
        targets=tuple(Target.of(model, host=h) for h in hosts for model in models),
        is_named=bool(told.named_hosts),
    )


def _models(text: str) -> tuple[request.WarmupRequest, ...]:
    wanted: dict[str, request.WarmupRequest] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        try:
            model = request.parse(item)
        except BadRequest as exc:
            raise BadSettings(f"OLLAMA_WARMUP_MODELS: {exc}") from exc
        if model.name.normal in wanted:
            raise BadSettings(
                f"OLLAMA_WARMUP_MODELS: {model.name.short} is named twice; one runner "
                "serves one set of options, so keep one"
            )
        wanted[model.name.normal] = model
    return tuple(wanted.values())


@cache
def current() -> WarmList:
    """The warm list of this process as it is now.

    Raises:
        BadSettings: it has never been right in this process.
    """
    return read(settings.current())
