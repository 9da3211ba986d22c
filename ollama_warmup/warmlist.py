"""The only reader of the warm list: which hosts there are, and what is wanted.

It stands in the file at `OLLAMA_WARMUP_CONFIG`, in `OLLAMA_WARMUP_HOSTS` and
`OLLAMA_WARMUP_MODELS`, or partly here and partly there, but nothing in both.
"""

import logging
import os
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ollama_warmup import request, settings, warmfile, wishes
from ollama_warmup.errors import BadSettings
from ollama_warmup.settings import Settings
from ollama_warmup.target import Resolved, Target, resolve
from ollama_warmup.warmfile import Read, Stamp
from ollama_warmup.warmkeys import Entry, HostEntry, WarmFile
from ollama_warmup.wishes import Model, Wish
from ollama_warmup.yamlfile import Loc, Place

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One Ollama server of the configuration."""

    name: str
    url: str
    """As `ollama_warmup.settings.host_url` returns it."""
    token: str | None = None
    """For `Authorization: Bearer`, as it is written: its secret is not in it."""

    def authorization(self) -> dict[str, str]:
        """The header that this host alone may see; empty without a token.

        Raises:
            BadSettings: the variable that holds the secret is not set, or wrong.
        """
        if self.token is None:
            return {}
        return {"Authorization": f"Bearer {settings.secret(self.token)}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmList:
    """What is wanted, where."""

    hosts: Mapping[str, Host]
    """By name, in order; at least one."""
    targets: tuple[Target, ...]
    """Hosts in their order and models in theirs; may be empty."""
    is_named: bool
    """Whether hosts were declared; else the one at `OLLAMA_HOST` is meant."""
    notes: tuple[str, ...] = ()
    """What is written in it without effect, as sentences."""
    problem: str | None = None
    """Why a changed file is not taken up, and this is still the one before."""

    def of(self, host: str) -> tuple[Target, ...]:
        """The targets of one host, in their order."""
        return tuple(target for target in self.targets if target.host == host)


def read(told: Settings) -> WarmList:
    """Read hosts and models.

    Raises:
        BadSettings: something is written wrong, or twice; the message says where.
    """
    file = warmfile.read(told.config) if told.config else None
    if file is not None:
        _refuse_both(told, file.says)
    declared = _file_hosts(file) if file else {}
    hosts = declared or _told_hosts(told)
    models = [*(_file_models(file, hosts) if file else ()), *_told_models(told)]
    return WarmList(
        hosts=hosts,
        targets=wishes.targets(
            models,
            defaults=_defaults(file, hosts) if file else Wish(),
            hosts=list(hosts),
        ),
        is_named=bool(declared or told.named_hosts),
        notes=(*_ignored(told, declared), *wishes.dropped(models)),
    )


def _refuse_both(told: Settings, says: WarmFile) -> None:
    """Refuse what stands in the file and in a variable."""
    doubles = {"hosts": told.named_hosts, "models": told.models.strip()}
    for key, in_variable in doubles.items():
        if in_variable and key in says.model_fields_set:
            raise BadSettings(
                f"`{key}` stand in {told.config} and in OLLAMA_WARMUP_{key.upper()}: "
                "keep one"
            )


def _told_hosts(told: Settings) -> dict[str, Host]:
    named = told.named_hosts or {settings.DEFAULT_HOST: told.ollama_host}
    return {name: Host(name=name, url=url) for name, url in named.items()}


def _file_hosts(file: Read) -> dict[str, Host]:
    hosts = {}
    for name, entry in file.says.hosts.items():
        if not request.HOST.fullmatch(name):
            raise file.file.error(
                ("hosts", name), "write a name of 1 to 40 of a-z, 0-9 and -"
            )
        hosts[name] = (
            Host(name=name, url=entry.url, token=entry.token or None)
            if isinstance(entry, HostEntry)
            else Host(name=name, url=entry)
        )
    return hosts


def _file_models(file: Read, hosts: Collection[str]) -> Iterator[Model]:
    for number, entry in enumerate(file.says.models):
        place = file.file.place("models", number)
        if isinstance(entry, Entry):
            yield wishes.of_entry(entry, place, hosts=hosts)
        else:
            yield wishes.of_text(entry, place)


def _defaults(file: Read, hosts: Collection[str]) -> Wish:
    place = file.file.place("defaults")
    return wishes.of_keys(file.says.defaults, place, hosts=hosts)


def _told_models(told: Settings) -> Iterator[Model]:
    def complain(_: Loc, sentence: str) -> BadSettings:
        return BadSettings(f"OLLAMA_WARMUP_MODELS: {sentence}")

    place = Place(loc=(), complain=complain)
    for item in filter(None, (part.strip() for part in told.models.split(","))):
        yield wishes.of_text(item, place)


def _ignored(told: Settings, declared: Mapping[str, Host]) -> Iterator[str]:
    if declared and "ollama_host" in told.model_fields_set:
        yield f"OLLAMA_HOST is ignored, because {told.config} names the hosts"


def warnings(told: Settings, listed: WarmList) -> list[str]:
    """What is set and has no effect, or lacks what it needs, as sentences."""
    sentences = [*told.warnings(), *listed.notes]
    if told.enabled and not listed.targets:
        sentences.append(
            "OLLAMA_WARMUP_ENABLED is true, but nothing is declared to be kept warm: "
            "set OLLAMA_WARMUP_MODELS, or OLLAMA_WARMUP_CONFIG to a file with `models`"
        )
    if listed.targets and not told.enabled:
        sentences.append(
            "Models are declared, but nothing keeps them warm: set "
            "OLLAMA_WARMUP_ENABLED=true"
        )
    return sentences


@dataclass(slots=True)
class _Memory:
    """What this process holds of the warm list."""

    kept: tuple[Stamp, WarmList] | None = None
    """The last list that was right, and the file as it was at the last look."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """One thread reads, the others wait for what it finds."""

    def renew_lock(self) -> None:
        """In a forked child: whoever held it is not there."""
        self.lock = threading.Lock()


_memory = _Memory()
os.register_at_fork(after_in_child=_memory.renew_lock)


def current() -> WarmList:
    """The warm list as it is now: read again when its file has changed.

    A file that is wrong or gone keeps the last list, with its `problem`; a forked
    child begins with its parent's. For any number of threads.

    Raises:
        BadSettings: it has never been right in this process.
    """
    told = settings.current()
    kept = _memory.kept
    if kept is not None and kept[0] == warmfile.stamp(told.config):
        return kept[1]
    with _memory.lock:
        return _renew(told)


def meant(wanted: request.WarmupRequest) -> Resolved:
    """The target that a valid request means by the warm list of this process.

    Raises:
        UnknownHost: it names a host that is not configured.
        BadSettings: the warm list has never been right in this process.
    """
    known = current()
    return resolve(wanted, hosts=known.hosts, wanted=known.targets)


def forget() -> None:
    """Let the next call read the warm list anew; for tests."""
    _memory.kept = None


def _renew(told: Settings) -> WarmList:
    kept = _memory.kept
    stamp = warmfile.stamp(
        told.config
    )  # before it is read: a later change is seen next time
    if kept is not None and kept[0] == stamp:
        return kept[1]
    try:
        listed = read(told)
    except BadSettings as exc:
        if kept is None:
            raise
        listed = replace(kept[1], problem=str(exc))
        if isinstance(exc.__cause__, OSError):
            stamp = None  # it may be read next time, unchanged
    if kept is not None:
        _tell(told, kept[1], listed)
    _memory.kept = (stamp, listed)
    return listed


def _tell(told: Settings, before: WarmList, now: WarmList) -> None:
    if now == before:
        return
    if now.problem is not None:
        logger.warning("%s; the warm list of before stays in force", now.problem)
        return
    logger.info(
        "Warm list taken up: %d targets on %d hosts", len(now.targets), len(now.hosts)
    )
    known = warnings(told, before)
    for sentence in warnings(told, now):
        if sentence not in known:
            logger.warning("%s", sentence)
