"""The errors of a warm-up, one class for each different reaction.

    WarmupError
    ├── Transient           try again: the worker does, with back-off
    │   ├── OllamaUnreachable   no answer: reset, timed out, bad gateway
    │   │   └── OllamaDown          nobody listens there
    │   ├── OllamaBusy          503: its queue of loads is full
    │   ├── LoadFailed          it answered, but the model is not warm
    │   ├── PullFailed          a download broke off; what is there is kept
    │   ├── InUse               warming now would reload what somebody is using
    │   ├── StoreUnavailable    Redis does not answer: broker, results, leases
    │   └── WarmupTimeout       the caller stopped waiting; the load goes on
    ├── Permanent           a person must act: never retried
    │   ├── BadRequest          the call is wrong: name, options, keep_alive
    │   ├── BadSettings         the environment of this process or its file is wrong
    │   ├── UnknownHost         no such host is configured
    │   ├── UnknownModel        the host does not have the model: pull it; or, when
    │   │                       it was to be pulled, the registry does not
    │   ├── DiskFull            a host's disk has no room for a model
    │   └── Refused             Ollama will not do it, now or later
    └── Breaker             leave it alone for a while: another try does harm
        ├── OutOfMemory         the model does not fit; a try evicts the others
        ├── RunnerTerminated    its runner died while loading or answering
        └── LoadTimeout         no end of the load within the time allowed

Every message says what happened, where, and what to do next. Arguments are
positional and reach `Exception.__init__` whole, because Celery's JSON results
rebuild an error from its `args`.

Source of the classes: Ollama's statuses and texts, server/routes.go and
server/sched.go at 0.33; `worker.adapters.ollama` maps them.
"""

from collections.abc import Iterable
from typing import Self


class WarmupError(Exception):
    """Something about a warm-up went wrong; a subclass says how to react."""


class Transient(WarmupError):
    """A retry may help."""


class OllamaUnreachable(Transient):
    """The host gave no usable answer: refused, reset, timed out, bad gateway."""


class OllamaDown(OllamaUnreachable):
    """Nobody listens at the host; nothing was sent, so nothing is known of a load."""


class OllamaBusy(Transient):
    """The host's queue of pending loads is full (HTTP 503)."""


class LoadFailed(Transient):
    """The host answered, but the model is not warm."""


class PullFailed(Transient):
    """A download broke off; the next one goes on from what is there."""


class InUse(Transient):
    """The model is busy with other runner options; warming would reload it."""


class StoreUnavailable(Transient):
    """Redis does not answer; nothing can be sent, read or leased."""


class WarmupTimeout(Transient, TimeoutError):
    """The caller waited as long as it wanted; a load that began goes on."""


class Permanent(WarmupError):
    """A person must act; no retry."""


class BadRequest(Permanent, ValueError):
    """The request itself is wrong: model name, options or keep_alive."""


class BadSettings(Permanent, ValueError):
    """A variable of this process, or the file of the warm list, is wrong."""


class UnknownHost(Permanent):
    """No host of this name is configured."""

    @classmethod
    def among(cls, host: object, hosts: Iterable[str]) -> Self:
        """For a name that is none of these; it may be anything that was sent."""
        known = ", ".join(hosts)
        name = str(host)[:60]
        return cls(f"host {name!r} is not configured: the hosts are {known}")


class UnknownModel(Permanent):
    """The host does not have this model, or the registry that it is pulled from."""


class DiskFull(Permanent):
    """The host's disk has no room for the model."""


class Refused(Permanent):
    """Ollama refuses, and would refuse again."""


class Breaker(WarmupError):
    """Leave the target alone for a while; another try does harm."""


class OutOfMemory(Breaker):
    """The model does not fit into the host's memory."""


class RunnerTerminated(Breaker):
    """The runner process of the model died."""


class LoadTimeout(Breaker):
    """The load did not end within the time allowed."""
