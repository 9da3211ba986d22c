"""A warm list's file is taken up as it changes."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ollama_warmup import settings, warmfile, warmlist
from ollama_warmup.errors import BadSettings


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file of the warm list, which this process has not read yet."""
    path = tmp_path / "warmlist.yaml"
    path.write_text("models: [phi3]")
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", str(path))
    settings.current.cache_clear()
    warmlist.forget()
    yield path
    settings.current.cache_clear()
    warmlist.forget()


@pytest.fixture
def told(caplog):
    """What is logged, as (level, text); takes it away."""
    caplog.set_level("INFO", logger="ollama_warmup")

    def told():
        lines = [(record.levelname, record.getMessage()) for record in caplog.records]
        caplog.clear()
        return lines

    return told


def models():
    return [target.model for target in warmlist.current().targets]


@pytest.mark.usefixtures("file")
def test_a_file_that_has_not_changed_is_read_once():
    assert warmlist.current() is warmlist.current()


def test_a_changed_file_is_taken_up_at_the_next_look(file, told):
    assert models() == ["phi3"]

    file.write_text("models: [phi3, mistral]")

    assert models() == ["phi3", "mistral"]
    assert told() == [("INFO", "Warm list taken up: 2 targets on 1 hosts")]
    assert models() == ["phi3", "mistral"]
    assert told() == []


def test_a_file_that_is_written_again_with_the_same_list_logs_nothing(file, told):
    models()

    file.write_text("models:   [phi3]")

    assert models() == ["phi3"]
    assert told() == []


def test_a_folder_that_is_swapped_below_a_link_is_noticed(tmp_path, file):
    """As Kubernetes does with a ConfigMap: file -> ..data -> ..<date>."""
    file.unlink()
    file.symlink_to("..data/warmlist.yaml")
    for folder, model in ((".. old", "phi3"), (".. new", "qwen")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "warmlist.yaml").write_text(f"models: [{model}]")
    (tmp_path / "..data").symlink_to(".. old")
    assert models() == ["phi3"]

    (tmp_path / "tmp").symlink_to(".. new")
    (tmp_path / "tmp").rename(tmp_path / "..data")

    assert models() == ["qwen"]


def test_a_broken_file_keeps_the_last_list_and_is_logged_once(file, told):
    models()
    file.write_text("models: [a b]")

    assert models() == models() == ["phi3"]
    problem = warmlist.current().problem
    assert problem is not None
    assert problem.startswith(f"{file}:1: models[0]: 'a b' is no model name")
    assert told() == [("WARNING", f"{problem}; the warm list of before stays in force")]

    file.write_text("models: [c d]")

    assert models() == ["phi3"]
    assert [level for level, _ in told()] == ["WARNING"]


def test_a_repaired_file_is_taken_up_although_its_list_is_the_one_in_force(file, told):
    models()
    file.write_text("models: [a b]")
    models()
    told()

    file.write_text("models: [phi3]")

    assert models() == ["phi3"]
    assert warmlist.current().problem is None
    assert told() == [("INFO", "Warm list taken up: 1 targets on 1 hosts")]


def test_a_vanished_file_keeps_the_last_list_until_it_is_back(file, told):
    models()
    file.unlink()

    assert models() == models() == ["phi3"]
    assert "cannot be read" in str(warmlist.current().problem)
    assert len(told()) == 1

    file.write_text("models: [mistral]")

    assert models() == ["mistral"]


def test_a_file_that_could_not_be_read_is_tried_again_unchanged(file, monkeypatch):
    models()
    file.unlink()
    file.mkdir()  # there is one, and reading it fails
    assert models() == ["phi3"]
    unchanged = warmfile.stamp(file)

    monkeypatch.setattr(warmfile, "stamp", lambda _: unchanged)
    file.rmdir()
    file.write_text("models: [mistral]")

    assert models() == ["mistral"]


def test_a_file_that_was_wrong_from_the_start_is_refused_at_every_look(file):
    file.write_text("models: [a b]")

    for _ in range(2):
        with pytest.raises(BadSettings, match="is no model name"):
            warmlist.current()

    file.write_text("models: [phi3]")

    assert models() == ["phi3"]


def test_a_changed_file_with_an_option_without_effect_logs_a_warning(file, told):
    models()

    file.write_text("models: [phi3?seed=1]")

    models()
    assert told() == [
        ("INFO", "Warm list taken up: 1 targets on 1 hosts"),
        ("WARNING", "Ignoring options of phi3 that never reload a model: seed"),
    ]


def test_threads_that_look_at_once_see_one_list(file):
    models()
    file.write_text("models: [mistral]")
    barrier = threading.Barrier(8)

    def look(_):
        barrier.wait(timeout=5)
        return warmlist.current()

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(look, range(8)))

    assert seen[0].targets[0].model == "mistral"
    assert all(listed is seen[0] for listed in seen)


CHILD = """
import os, sys
from ollama_warmup import warmlist
warmlist.current()
warmlist._memory.lock.acquire()  # as another thread would at the fork
open(sys.argv[1], "w").write(sys.argv[2])
pid = os.fork()
if not pid:
    os._exit(10 * len(warmlist.current().targets) + bool(warmlist.current().problem))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.parametrize(
    ("content", "code"), [("models: [a, b]", 20), ("models: [a b]", 11)]
)
def test_a_forked_child_has_its_parents_list_and_looks_for_itself(file, content, code):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(file), content], check=False, timeout=20
    )

    assert done.returncode == code


def test_ollama_host_beside_hosts_of_the_file_is_ignored_with_a_warning(
    file, monkeypatch
):
    monkeypatch.setenv("OLLAMA_HOST", "10.0.0.9")
    file.write_text("hosts: {gpu-1: 10.0.0.5}")

    told = settings.read()

    assert warmlist.warnings(told, warmlist.read(told)) == [
        f"OLLAMA_HOST is ignored, because {file} names the hosts"
    ]
