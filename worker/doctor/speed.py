"""What makes loads slow. Pure."""

import re
from collections.abc import Iterator
from statistics import median

from ollama_warmup.durations import format_short
from ollama_warmup.target import Target
from worker.core import estimates
from worker.doctor.facts import Facts, HostFacts, Storage, named
from worker.doctor.finding import Check, Finding, note, ok, warning

LIMIT_S = 300.0
"""So long a task waits for a load; the load itself goes on."""
NEAR_S = 240.0
BITS = {"F32": 32.0, "F16": 16.0, "BF16": 16.0, "Q8_0": 8.5}
"""Of a weight, in the formats for which there is a much smaller one."""
SMALL_BITS = 4.89
"""Of Q4_K_M. Source of both: llama.cpp, tools/quantize/README.md, of an 8B model."""
SMALLEST_BYTES = 1_000_000_000
"""A smaller model loads fast as it is."""
SLOW_BYTES_PER_S = 200e6
"""A hard disk or a network reads no faster; a SATA SSD does."""
_MB, _GB = 1e6, 1e9
_NAMED = re.compile(r"(?:^|(?<=[-_]))(?:fp32|f32|fp16|f16|bf16|q8_0)$", re.IGNORECASE)
"""The end of a tag that names one of these formats."""


def load_time(facts: Facts) -> Iterator[Finding]:
    """Whether loads end while callers wait."""
    if facts.shared is None:
        return
    longest: list[float] = []
    found = []
    for host, target in facts.wanted():
        history = facts.shared.histories.get((host.name, target.key), ())
        longest += history
        if history and estimates.p95_s(history) > NEAR_S:
            found.append(_slow(target, history))
    yield from found
    if not found:
        what = (
            f"the longest load took {format_short(max(longest))}"
            if longest
            else ("no load is remembered yet")
        )
        yield ok(Check.LOAD_TIME, what)


def _slow(target: Target, history: tuple[float, ...]) -> Finding:
    p95 = estimates.p95_s(history)
    make = warning if p95 > LIMIT_S else note
    return make(
        Check.LOAD_TIME,
        f"its loads take up to {format_short(p95)}; after 300s a task stops waiting "
        "and queues again, while the load goes on",
        where=named(target),
        evidence=f"{len(history)} loads, usually {format_short(median(history))}",
        next_step="give callers a longer timeout; see storage and quantisation for "
        "what makes it faster, and keep it warm so that nobody waits",
    )


def quantisation(facts: Facts) -> Iterator[Finding]:
    """Whether a model is stored larger than it needs to be."""
    found = [f for host, t in facts.wanted() if (f := _large(host, t))]
    yield from found
    if not found and any(host.infos for host in facts.hosts):
        yield ok(Check.QUANTISATION, "no wanted model is stored in 8 bits or more")


def _large(host: HostFacts, target: Target) -> Finding | None:
    info, tag = host.info(target), host.tag(target)
    bits = BITS.get(info.quantization.upper()) if info else None
    if info is None or tag is None or bits is None or tag.size_bytes < SMALLEST_BYTES:
        return None
    part = SMALL_BITS / bits
    return note(
        Check.QUANTISATION,
        f"it is stored as {info.quantization}; as Q4_K_M it would take about "
        f"{part:.0%} of the room, and its load of the time, with slightly worse "
        "answers",
        where=named(target),
        evidence=f"{tag.size_bytes / _GB:.1f} GB",
        next_step=f"look for {_smaller(target)} in its registry, and measure whether "
        "its answers are good enough for you",
    )


def _smaller(target: Target) -> str:
    """The tag that it probably has, or what to look for."""
    tag, changed = _NAMED.subn("q4_K_M", target.name.tag)
    if not changed:
        return "a tag with q4_K_M"
    base = target.model.removesuffix(target.name.tag)
    return f"{base}{tag}"


def storage(facts: Facts) -> Iterator[Finding]:
    """How fast weights come from the disk, where that can be measured."""
    for host in facts.hosts:
        if host.storage:
            yield _measured(host, host.storage)


def _measured(host: HostFacts, read: Storage) -> Finding:
    where = f"{read.model} on {host.name}"
    if read.problem:
        return note(
            Check.STORAGE,
            "how fast its weights come from the disk was not measured",
            where=where,
            evidence=read.problem,
            next_step="run doctor on the machine and as the user of this Ollama, with "
            "OLLAMA_MODELS if it has one",
        )
    rate = read.read_bytes / read.read_s
    seconds = read.size_bytes / rate
    what = (
        f"its disk gives {rate / _MB:.0f} MB/s: {read.size_bytes / _GB:.1f} GB take "
        f"{format_short(seconds)} at least if they are not in the page cache"
    )
    evidence = (
        f"{read.read_bytes / 2**20:.0f} MiB of its weights read in "
        f"{read.read_s:.2f} s, past the cache"
    )
    if rate >= SLOW_BYTES_PER_S:
        return ok(Check.STORAGE, what, where=where, evidence=evidence)
    return warning(
        Check.STORAGE,
        what,
        where=where,
        evidence=evidence,
        next_step="move Ollama's models (OLLAMA_MODELS, or its volume) to an NVMe or "
        "SATA SSD of that machine; hard disks and network storage are slow",
    )
