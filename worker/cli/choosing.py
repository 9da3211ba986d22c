"""Which hosts and models the words of a command line mean. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ollama_warmup import names
from ollama_warmup.errors import BadRequest
from worker.core import pauses, residency


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is to choose from."""

    hosts: frozenset[str]
    models: frozenset[str]
    """Normal names."""

    def __or__(self, other: "Known") -> "Known":
        """What either knows."""
        return Known(hosts=self.hosts | other.hosts, models=self.models | other.models)

    @classmethod
    def of(
        cls, pairs: Iterable[tuple[str, str]], *, hosts: Iterable[str] = ()
    ) -> "Known":
        """Pairs of a host and a model, and hosts without a model."""
        pairs = list(pairs)
        return cls(
            hosts=frozenset(hosts) | {host for host, _ in pairs},
            models=frozenset(residency.normal(model) for _, model in pairs),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Models on hosts; nothing named means all of them."""

    hosts: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    """Normal names."""

    def has_host(self, host: str) -> bool:
        """Whether a host is meant, whatever its models."""
        return not self.hosts or host in self.hosts

    def has(self, host: str, model: str) -> bool:
        """Whether a model of a host is meant."""
        is_meant = not self.models or residency.normal(model) in self.models
        return is_meant and self.has_host(host)


def choose(words: Sequence[str], known: Known) -> Choice:
    """Read words, each of them a host's name or else a model's.

    Raises:
        BadRequest: a word is neither; the message names the nearest known one.
    """
    meant = [name_of(word, known) for word in words]
    hosts = frozenset(meant) & known.hosts
    return Choice(hosts=hosts, models=frozenset(meant) - hosts)


def name_of(word: str, known: Known, *, is_forced: bool = False) -> str:
    """The host's name, or the model's normal name, that a word means.

    Args:
        word: a host's name, or a model's in any of Ollama's forms.
        known: what there is.
        is_forced: whether an unknown model is taken, too.

    Raises:
        BadRequest: it is neither.
    """
    if word in known.hosts:
        return word
    normal = names.parse(word).normal
    if normal in known.models or is_forced:
        return normal
    raise BadRequest(f"{word!r} is no known host or model: {_near(word, known)}")


def _near(word: str, known: Known) -> str:
    shown = sorted(map(pauses.shown, known.hosts | known.models))
    near = get_close_matches(word, _forms(shown), n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(shown)}" if shown else "nothing is known yet"


def _forms(shown: Collection[str]) -> list[str]:
    """Names with and without a tag that goes without saying."""
    return [form for name in shown for form in (name, name.removesuffix(":latest"))]
