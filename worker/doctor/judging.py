"""All that facts mean. Pure."""

from collections.abc import Callable, Iterator, Sequence

from worker.doctor import (
    broker,
    environment,
    hosts,
    room,
    speed,
    staying,
    system,
    targets,
)
from worker.doctor.facts import Facts
from worker.doctor.finding import Finding

Judge = Callable[[Facts], Iterator[Finding]]

_OF_THE_ENVIRONMENT: Sequence[Judge] = (environment.settings, environment.foreign)
_OF_THE_SYSTEM: Sequence[Judge] = (
    environment.ollama,
    environment.warm_list,
    *(broker.redis, broker.password, broker.policy, broker.memory),
    *(system.workers, system.slots, system.backlog, system.beat),
    *(system.passes, system.paused, system.clocks),
)
_OF_HOSTS: Sequence[Judge] = (
    *(hosts.running, hosts.network, hosts.ollama, hosts.version),
    *(targets.pulled, targets.warmed, targets.unloaded),
    *(staying.keep_alive, staying.forever, staying.context),
    *(speed.load_time, room.loaded_models, room.memory, room.cpu),
    *(speed.quantisation, speed.storage, hosts.wedge),
)


def judge(facts: Facts) -> list[Finding]:
    """Make findings of facts, in the order in which they are best read.

    Every check that could be made has one finding at least.
    """
    judges = [*_OF_THE_ENVIRONMENT]
    if not facts.settings_problem:  # else nothing was asked
        judges += _OF_THE_SYSTEM
        judges += _OF_HOSTS if facts.hosts else ()
    return [finding for of in judges for finding in of(facts)]
