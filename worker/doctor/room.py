"""Whether the wanted models fit together, and where they run. Pure."""

from collections.abc import Iterator

from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from worker.core import residency
from worker.core.domain import Resident
from worker.core.passes import Kind
from worker.doctor.facts import Facts, HostFacts, named
from worker.doctor.finding import Check, Finding, note, ok, problem, warning

_GB = 1e9
_ALL_OF_IT = 0.999


def loaded_models(facts: Facts) -> Iterator[Finding]:
    """Whether wanted models make one another go."""
    if facts.shared is None:
        return
    for host in facts.hosts:
        pairs = _rivals(facts, host)
        if pairs:
            yield warning(
                Check.LOADED_MODELS,
                f"its {len(host.targets)} wanted models do not stay loaded together",
                where=host.name,
                evidence=f"{'; '.join(pairs)}. {len(host.residents)} are loaded now; "
                "OLLAMA_MAX_LOADED_MODELS cannot be asked over the API",
                next_step="if its memory allows, raise OLLAMA_MAX_LOADED_MODELS there "
                "(without it 3 for each GPU, or 3). If memory is short, reduce it, "
                "want fewer models of this host, or give some a smaller num_ctx; see "
                "memory",
            )
        else:
            yield ok(
                Check.LOADED_MODELS,
                "no wanted model has made another one go in the last day",
                where=host.name,
                evidence="OLLAMA_MAX_LOADED_MODELS itself cannot be asked over the API",
            )


def _rivals(facts: Facts, host: HostFacts) -> list[str]:
    """What shows that targets of a host do not fit together, as sentences."""
    shared = facts.shared
    if shared is None:
        return []
    wanted = {target.name.normal for target in host.targets}
    evicted = [
        f"{event.model}: {event.why}"
        for event in shared.events
        if event.host == host.name
        and event.kind is Kind.EVICTED
        and residency.normal(event.model) in wanted
        and any(residency.normal(e.model) in wanted for e in event.evictors)
    ]
    unfit = [
        f"{target.model} {told.why}"
        for target in host.targets
        if (told := shared.report(target)) and told.condition is Condition.UNFIT
    ]
    return list(dict.fromkeys(evicted + unfit))[:3]


def memory(facts: Facts) -> Iterator[Finding]:
    """Whether a host has memory for what is wanted of it."""
    for host in facts.hosts:
        found = [*_out_of_memory(facts, host), *_too_much(host)]
        yield from found
        if not found and host.view:
            yield ok(
                Check.MEMORY,
                "nothing ran out of it",
                where=host.name,
                evidence=_taken(host),
            )


def _out_of_memory(facts: Facts, host: HostFacts) -> Iterator[Finding]:
    failures = facts.shared.failures if facts.shared else {}
    for target in host.targets:
        record = failures.get((host.name, target.key))
        if record is None or record.error != "OutOfMemory":
            continue
        yield problem(
            Check.MEMORY,
            "it does not fit into the memory of its host, and each try evicts the "
            "others there",
            where=named(target),
            evidence=record.text,
            next_step="a smaller num_ctx, a smaller quantisation or another host; "
            "`nvidia-smi`, or `docker stats` for a container, shows what else takes "
            "memory there",
        )


def _too_much(host: HostFacts) -> Iterator[Finding]:
    """On this very machine, if it loads into main memory alone."""
    is_on_cpu = host.residents and not any(r.size_vram_bytes for r in host.residents)
    wanted = _wanted_bytes(host)
    if host.memory_bytes and is_on_cpu and wanted > host.memory_bytes:
        yield warning(
            Check.MEMORY,
            f"what is wanted of it takes {wanted / _GB:.1f} GB at least, and this "
            f"machine has {host.memory_bytes / _GB:.1f} GB",
            where=host.name,
            evidence=_taken(host),
            next_step="want fewer or smaller models of it",
        )


def _wanted_bytes(host: HostFacts) -> int:
    """What all wanted models take at least; a model that is not loaded, its file."""
    sizes: dict[str, int] = {}
    for target in host.targets:
        resident, tag = host.resident(target), host.tag(target)
        size = resident.size_bytes if resident else tag.size_bytes if tag else 0
        sizes[target.name.normal] = size
    return sum(sizes.values())


def _taken(host: HostFacts) -> str:
    loaded = sum(r.size_bytes for r in host.residents)
    in_vram = sum(r.size_vram_bytes for r in host.residents)
    return (
        f"wanted models take {_wanted_bytes(host) / _GB:.1f} GB at least; loaded are "
        f"{loaded / _GB:.1f} GB now, {in_vram / _GB:.1f} GB of it in video memory. How "
        "much the host has cannot be asked over the API"
    )


def cpu(facts: Facts) -> Iterator[Finding]:
    """Whether loaded models run on a GPU, where there is one."""
    for host in facts.hosts:
        has_gpu = any(r.size_vram_bytes for r in host.residents)
        if host.residents and not has_gpu:
            yield note(
                Check.CPU,
                "everything runs on the CPU: it has no GPU, or Ollama does not see it",
                where=host.name,
                evidence="size_vram is 0 for all loaded models",
                next_step="if it has one, check its driver; a container needs --gpus "
                "all. Ollama's log says at its start what it has found",
            )
            continue
        found = [f for r in host.residents if (f := _off_gpu(host, r))]
        yield from found
        if host.residents and not found:
            yield ok(
                Check.CPU, "loaded models are wholly in video memory", where=host.name
            )


def _off_gpu(host: HostFacts, resident: Resident) -> Finding | None:
    if resident.vram_fraction >= _ALL_OF_IT or _is_meant(host, resident):
        return None
    part = 1 - resident.vram_fraction
    return warning(
        Check.CPU,
        f"{part:.0%} of it run on the CPU, which slows down every answer",
        where=f"{resident.name} on {host.name}",
        evidence=f"size {resident.size_bytes}, size_vram {resident.size_vram_bytes}",
        next_step="make room in video memory: fewer models on this host, a smaller "
        "num_ctx or quantisation; then unload it, so that it is loaded anew",
    )


def _is_meant(host: HostFacts, resident: Resident) -> bool:
    """Whether a target says itself how much of it goes to the GPU."""
    meant: list[Target] = [t for t in host.targets if t.options.num_gpu is not None]
    return any(host.resident(target) == resident for target in meant)
