"""What `doctor` checks, and what it finds."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing has to be done."""
    WARNING = "warning"
    """It works, but worse than it could, or not for long."""
    PROBLEM = "problem"
    """It does not work."""


class Check(StrEnum):
    """What is looked at; `docs/troubleshoot.md` has each by this name.

    Who made no finding of a check could not look.
    """

    SETTINGS = "settings"
    """The variables of this environment."""
    FOREIGN_VARIABLES = "foreign-variables"
    """Variables that Celery itself reads."""
    OLLAMA_VARIABLES = "ollama-variables"
    """Ollama's variables, as far as this environment has them."""
    WARM_LIST = "warm-list"
    REDIS = "redis"
    REDIS_PASSWORD = "redis-password"  # noqa: S105 - a name, no password
    REDIS_POLICY = "redis-policy"
    REDIS_MEMORY = "redis-memory"
    WORKERS = "workers"
    SLOTS = "slots"
    """Loads that may run at once, against hosts."""
    BACKLOG = "backlog"
    BEAT = "beat"
    PASSES = "passes"
    PAUSED = "paused"
    CLOCKS = "clocks"
    RUNNING = "running"
    """Whether somebody listens at a host."""
    NETWORK = "network"
    """Whether there is a way to a host."""
    OLLAMA = "ollama"
    """Whether it is an Ollama that listens there, and lets us in."""
    VERSION = "version"
    PULLED = "pulled"
    """Whether a host has the wanted models."""
    WARMED = "warmed"
    """Whether warm-ups were completed."""
    UNLOADED = "unloaded"
    """What went in the last day, and why."""
    KEEP_ALIVE = "keep-alive"
    FOREVER = "forever"
    """Models without a timer."""
    CONTEXT = "context"
    LOAD_TIME = "load-time"
    """Loads against the 300 s that a task waits."""
    LOADED_MODELS = "loaded-models"
    """How many models a host holds at once."""
    MEMORY = "memory"
    CPU = "cpu"
    QUANTISATION = "quantisation"
    STORAGE = "storage"
    WEDGE = "wedge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check has found."""

    check: Check
    severity: Severity
    what: str
    """A sentence."""
    where: str = ""
    """A host, `model on host`, a variable; empty = the system as a whole."""
    evidence: str = ""
    """What it is concluded from."""
    next_step: str = ""
    """What to do or to type; empty = nothing."""


def ok(check: Check, what: str, *, where: str = "", evidence: str = "") -> Finding:
    """Nothing is wrong."""
    return Finding(
        check=check, severity=Severity.OK, what=what, where=where, evidence=evidence
    )


def note(
    check: Check, what: str, *, where: str = "", evidence: str = "", next_step: str = ""
) -> Finding:
    """Worth knowing."""
    return Finding(
        check=check,
        severity=Severity.NOTE,
        what=what,
        where=where,
        evidence=evidence,
        next_step=next_step,
    )


def warning(
    check: Check, what: str, *, where: str = "", evidence: str = "", next_step: str
) -> Finding:
    """It could be better."""
    return Finding(
        check=check,
        severity=Severity.WARNING,
        what=what,
        where=where,
        evidence=evidence,
        next_step=next_step,
    )


def problem(
    check: Check, what: str, *, where: str = "", evidence: str = "", next_step: str
) -> Finding:
    """It does not work."""
    return Finding(
        check=check,
        severity=Severity.PROBLEM,
        what=what,
        where=where,
        evidence=evidence,
        next_step=next_step,
    )
