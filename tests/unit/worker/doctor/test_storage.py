import itertools
import os
from dataclasses import replace

import pytest

from tests.support.builders import INFO
from tests.support.facts import LLAMA, host_facts
from worker.doctor import disks, storage
from worker.doctor.storage import NotMeasured


def clock(step_s):
    ticks = itertools.count()
    return lambda: next(ticks) * step_s


@pytest.fixture
def weights(tmp_path):
    file = tmp_path / "sha256-1"
    file.write_bytes(os.urandom(storage.CHUNK_BYTES) * 3 + b"rest")
    return file


def test_a_small_file_is_read_to_its_end(weights):
    speed = storage.measure(weights, monotonic=clock(0.5))

    assert speed.read_bytes == weights.stat().st_size
    assert speed.read_s > 0


def test_reading_a_slow_disk_ends_after_some_seconds(weights):
    speed = storage.measure(weights, monotonic=clock(storage.MOST_S / 2.5))

    assert speed.read_bytes == 2 * storage.CHUNK_BYTES


def test_at_most_the_promised_number_of_bytes_is_read(weights, monkeypatch):
    monkeypatch.setattr(storage, "MOST_BYTES", 2 * storage.CHUNK_BYTES)

    speed = storage.measure(weights, monotonic=clock(0.1))

    assert speed.read_bytes == 2 * storage.CHUNK_BYTES


def test_a_disk_is_measured_without_direct_reads_too(weights, monkeypatch):
    monkeypatch.delattr(os, "O_DIRECT")

    assert storage.measure(weights, monotonic=clock(0.1)).read_bytes > 0


def test_a_file_that_is_not_here_or_empty_is_not_measured(tmp_path):
    (tmp_path / "empty").touch()
    for name, why in (("nowhere", "is not on this machine"), ("empty", "is empty")):
        with pytest.raises(NotMeasured, match=why):
            storage.measure(tmp_path / name, monotonic=clock(0.1))


def test_the_largest_wanted_model_of_this_machine_is_read_and_found(weights):
    path = f"/elsewhere/blobs/{weights.name}"
    (weights.parent / "blobs").mkdir()
    weights.rename(weights.parent / "blobs" / weights.name)
    infos = {LLAMA.name.normal: replace(INFO, path=path)}
    here = host_facts(is_local=True, infos=infos)
    far = host_facts(name="far", infos=infos)

    read, other = disks.look([here, far], {"OLLAMA_MODELS": str(weights.parent)})

    assert read.storage
    assert read.storage.read_bytes > 0
    assert read.memory_bytes
    assert other == far
