"""What the answers of hosts mean. Pure."""

import re
from collections.abc import Iterator

from worker.core.passes import Event, Kind
from worker.doctor.facts import Facts, HostFacts, Reach, Shared
from worker.doctor.finding import Check, Finding, note, ok, problem, warning

WEDGED_S = 3_600.0
"""A wedge is told so long, seconds."""
FIRST_WITH_CONTEXT = (0, 10)
"""Older releases do not show with which context a model is loaded."""
_CAME_THROUGH = frozenset({Reach.ANSWERS, Reach.LOCKED, Reach.STRANGE, Reach.FAILS})


def running(facts: Facts) -> Iterator[Finding]:
    """Whether somebody listens at each host."""
    for host in facts.hosts:
        if host.reach is Reach.REFUSED:
            yield problem(
                Check.RUNNING,
                f"nobody listens at {host.url}",
                where=host.name,
                evidence=host.text,
                next_step="start Ollama there: ollama serve, systemctl start ollama, "
                "or docker compose up -d ollama; `docker ps | grep ollama` shows a "
                "container. In a container it must listen on 0.0.0.0",
            )
        elif host.reach in _CAME_THROUGH:
            yield ok(Check.RUNNING, f"{host.url} answers", where=host.name)


def network(facts: Facts) -> Iterator[Finding]:
    """Whether there is a way to each host, and an answer in time."""
    for host in facts.hosts:
        if host.reach is Reach.UNREACHABLE:
            yield problem(
                Check.NETWORK,
                f"there is no way to {host.url}",
                where=host.name,
                evidence=host.text,
                next_step="check name, port and routes; between containers the name is "
                "that of the service, such as http://ollama:11434, never localhost",
            )
        elif host.reach is Reach.MUTE:
            yield problem(
                Check.NETWORK,
                f"{host.url} takes too long to answer",
                where=host.name,
                evidence=host.text,
                next_step="if even `curl` gets no answer, a firewall drops it or the "
                "machine is overloaded; if /api/version answers and /api/ps does not, "
                "a runner hangs: restart Ollama there",
            )
        elif host.reach is not Reach.UNASKED:
            yield ok(Check.NETWORK, "there is a way to it", where=host.name)
    if unasked := [host.name for host in facts.hosts if host.reach is Reach.UNASKED]:
        yield note(
            Check.NETWORK,
            f"{len(unasked)} of {len(facts.hosts)} hosts could not be asked in time",
            evidence=f"{', '.join(unasked[:3])}{' …' * (len(unasked) > 3)}",  # noqa: PLR2004
            next_step="run doctor where less is going on, or for fewer hosts: set "
            "OLLAMA_WARMUP_HOSTS for it alone",
        )


def ollama(facts: Facts) -> Iterator[Finding]:
    """Whether it is an Ollama that answers, and lets us in."""
    for host in facts.hosts:
        if host.reach is Reach.LOCKED:
            yield problem(
                Check.OLLAMA,
                "it does not let us in",
                where=host.name,
                evidence=host.text,
                next_step="401: set `token: ${env.OLLAMA_WARMUP_SECRET_…}` for this "
                "host, and that variable. An empty 403 is Ollama's own, for a foreign "
                "Host header: have the proxy send `Host: localhost`, or start Ollama "
                "with OLLAMA_HOST=0.0.0.0",
            )
        elif host.reach is Reach.STRANGE:
            yield problem(
                Check.OLLAMA,
                f"what answers at {host.url} is no Ollama",
                where=host.name,
                evidence=host.text,
                next_step="check the port, 11434 unless another is written, and any "
                "proxy before it",
            )
        elif host.reach is Reach.FAILS:
            yield problem(
                Check.OLLAMA,
                "it answers with a failure",
                where=host.name,
                evidence=host.text,
                next_step="the log of Ollama there tells why, or that of its proxy",
            )
        elif host.reach is Reach.ANSWERS:
            yield ok(Check.OLLAMA, "an Ollama answers", where=host.name)


def version(facts: Facts) -> Iterator[Finding]:
    """Whether its release shows all that is looked at."""
    for host in facts.hosts:
        if host.version is None:
            continue
        number = tuple(map(int, re.findall(r"\d+", host.version)[:2]))
        if number and number < FIRST_WITH_CONTEXT:
            yield warning(
                Check.VERSION,
                "it does not show with which context a model is loaded, so a reload "
                "by somebody else is not seen",
                where=host.name,
                evidence=f"version {host.version}",
                next_step="update Ollama there to 0.10 or later",
            )
        else:
            yield ok(Check.VERSION, f"version {host.version}", where=host.name)


def wedge(facts: Facts) -> Iterator[Finding]:
    """Whether every load of a host hangs."""
    if facts.shared is None:
        return
    for host in facts.hosts:
        event = _last_wedge(host, facts.shared)
        if event is None:
            yield ok(Check.WEDGE, "no load hangs", where=host.name)
        elif event.kind is Kind.CURED:
            yield note(
                Check.WEDGE,
                "it was wedged in the last hour, and is free again",
                where=host.name,
                evidence=event.why,
                next_step="who sends keep_alive with every call makes wedges: leave it "
                "out of pings",
            )
        else:
            yield problem(
                Check.WEDGE,
                "every load hangs while loaded models and /api/ps answer",
                where=host.name,
                evidence=f"{event.model}: {event.why}",
                next_step="ollama-warmup unload one of its idle models frees it; "
                "OLLAMA_WARMUP_WEDGE_CURE=any lets passes do so",
            )


def _last_wedge(host: HostFacts, shared: Shared) -> Event | None:
    for event in shared.events:  # the newest first
        is_about = event.host == host.name and event.kind in {Kind.WEDGED, Kind.CURED}
        if is_about and shared.now - event.at < WEDGED_S:
            return event
    return None
