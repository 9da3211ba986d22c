"""Which file of which host is read to see how fast its disk is."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from worker.doctor import storage
from worker.doctor.facts import HostFacts, Storage
from worker.doctor.storage import NotMeasured


def look(
    hosts: Sequence[HostFacts], environment: Mapping[str, str]
) -> tuple[HostFacts, ...]:
    """What only their own machine can tell of hosts.

    Of all weights that are wanted here, only the largest file is read.

    Args:
        hosts: all of them.
        environment: whose OLLAMA_MODELS may say where models are.
    """
    files = [file for host in hosts if host.is_local for file in _files(host)]
    largest = max(files, key=lambda file: file[1].size_bytes, default=None)
    if largest is None:
        return tuple(_here(host) if host.is_local else host for host in hosts)
    name, found, path = largest
    read = _read(found, path, environment)
    return tuple(
        replace(_here(host), storage=read if host.name == name else None)
        if host.is_local
        else host
        for host in hosts
    )


def _here(host: HostFacts) -> HostFacts:
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return replace(host, memory_bytes=pages * page_bytes)


def _files(host: HostFacts) -> list[tuple[str, Storage, str]]:
    """The weights that are wanted of a host, with their path there."""
    found = []
    for target in host.targets:
        tag, info = host.tag(target), host.info(target)
        if tag and info and info.path:
            read = Storage(model=target.model, size_bytes=tag.size_bytes)
            found.append((host.name, read, info.path))
    return found


def _read(found: Storage, path: str, environment: Mapping[str, str]) -> Storage:
    """Read it where the host says that it is, or where OLLAMA_MODELS says."""
    file = Path(path)
    folder = environment.get("OLLAMA_MODELS", "")
    if folder and not file.exists():
        file = Path(folder).expanduser() / "blobs" / file.name
    try:
        speed = storage.measure(file, monotonic=time.monotonic)
    except NotMeasured as exc:
        return replace(found, problem=str(exc))
    return replace(found, read_bytes=speed.read_bytes, read_s=speed.read_s)
