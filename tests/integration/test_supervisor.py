"""Nothing that the supervisor started outlives it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.support.waiting import until
from worker.cli.process import Process
from worker.cli.supervisor import ProcessFailed, Supervisor

PARENT_AND_CHILD = """
import signal, subprocess, sys, time
{prelude}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("pid", child.pid, flush=True)
time.sleep(600)
"""
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"

SUPERVISING = """
import sys, time
from pathlib import Path
from worker.cli.process import Process
from worker.cli.supervisor import Supervisor
with Supervisor() as supervisor:
    supervisor.start(
        "family", [sys.executable, "-c", sys.argv[1]],
        ready=lambda: supervisor.said("family", "pid"),
    )
    supervisor.wait_ready(timeout_s=10, progress=lambda names: None)
    print(supervisor.folder, flush=True)
    time.sleep(600)
"""


def family(prelude=""):
    return PARENT_AND_CHILD.format(prelude=prelude)


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def pids_in(folder):
    log = (folder / "family.log").read_text().split()
    child = int(log[1])
    parent = int(Path(f"/proc/{child}/stat").read_text().split()[3])
    return parent, child


pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")


@pytest.mark.parametrize("prelude", ["", STUBBORN], ids=["willing", "stubborn"])
def test_leaving_the_context_ends_a_process_and_its_children(prelude):
    with Supervisor(grace_s=0.5) as supervisor:
        supervisor.start(
            "family",
            [sys.executable, "-c", family(prelude)],
            ready=lambda: supervisor.said("family", "pid"),
        )
        supervisor.wait_ready(timeout_s=10, progress=lambda _: None)
        parent, child = pids_in(supervisor.folder)

    assert not lives(parent)
    until(lambda: not lives(child), "the killed child is dead")
    assert not supervisor.folder.exists()


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
)
def test_a_supervisor_that_is_killed_takes_its_processes_along(number):
    supervising = subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, family()], stdout=subprocess.PIPE, text=True
    )
    assert supervising.stdout
    folder = Path(supervising.stdout.readline().strip())
    parent, child = pids_in(folder)

    os.kill(supervising.pid, number)
    supervising.wait(timeout=40)

    until(lambda: not lives(parent) and not lives(child), "the family is dead")
    until(lambda: not folder.exists(), "the folder of the logs is gone")
    supervising.stdout.close()


def test_a_process_that_ends_by_itself_raises_an_error_with_its_last_lines():
    script = "print('cannot open the door'); raise SystemExit(3)"

    with Supervisor() as supervisor:
        supervisor.start("door", [sys.executable, "-c", script], ready=lambda: False)

        with pytest.raises(ProcessFailed, match=r"exit code 3.*\n?.*the door"):
            supervisor.wait_ready(timeout_s=10, progress=lambda _: None)


def test_a_process_that_is_never_ready_raises_an_error():
    with Supervisor() as supervisor:
        supervisor.start(
            "slow",
            [sys.executable, "-c", "import time; time.sleep(60)"],
            ready=lambda: False,
        )

        with pytest.raises(ProcessFailed, match="slow was not ready within 0 s"):
            supervisor.wait_ready(timeout_s=0.2, progress=lambda _: None)


SAYS_WHEN = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(float(sys.argv[2]))
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[3])
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("pid", flush=True)
time.sleep(600)
"""


def test_a_process_that_the_others_need_ends_after_them(tmp_path):
    told = tmp_path / "told"
    with Supervisor(grace_s=5) as supervisor:
        for name, pause in (("broker", "0"), ("worker", "0.3")):
            supervisor.start(
                name,
                [sys.executable, "-c", SAYS_WHEN, str(told), pause, f"{name} "],
                ready=partial(supervisor.said, name, "pid"),
                is_last=name == "broker",
            )
        supervisor.wait_ready(timeout_s=10, progress=lambda _: None)

    assert told.read_text() == "worker broker "


def test_a_second_signal_ends_everything_at_once():
    script = SUPERVISING.replace("Supervisor()", "Supervisor(grace_s=60)")
    supervising = subprocess.Popen(
        [sys.executable, "-c", script, family(STUBBORN)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervising.stdout
    parent, child = pids_in(Path(supervising.stdout.readline().strip()))

    supervising.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert lives(parent)
    supervising.send_signal(signal.SIGTERM)
    supervising.wait(timeout=40)

    assert not lives(parent)
    until(lambda: not lives(child), "the killed child is dead")
    supervising.stdout.close()


def test_a_death_is_reported_once_and_the_children_of_the_dead_process_end():
    with Supervisor() as supervisor:
        supervisor.start(
            "family",
            [sys.executable, "-c", family()],
            ready=lambda: supervisor.said("family", "pid"),
        )
        supervisor.wait_ready(timeout_s=10, progress=lambda _: None)
        parent, child = pids_in(supervisor.folder)

        os.kill(parent, signal.SIGKILL)
        until(lambda: not lives(parent), "the parent is dead")

        assert [death.cause for death in supervisor.deaths()] == ["killed by SIGKILL"]
        assert list(supervisor.deaths()) == []
        until(lambda: not lives(child), "the child is dead")
        supervisor.restart("family")
        supervisor.wait_ready(timeout_s=10, progress=lambda _: None)


def test_a_log_that_grows_too_long_begins_anew(monkeypatch):
    monkeypatch.setattr("worker.cli.process.LOG_BYTES", 1000)
    script = "import time; print('x' * 1999, flush=True); time.sleep(60)"
    with Supervisor() as supervisor:
        supervisor.start(
            "talker",
            [sys.executable, "-c", script],
            ready=lambda: supervisor.said("talker", "xx"),
        )
        supervisor.wait_ready(timeout_s=10, progress=lambda _: None)

        [line] = supervisor.processes["talker"].new_lines()

        assert len(line) == 1999
        assert (supervisor.folder / "talker.log").read_text() == ""
        assert len((supervisor.folder / "talker.log.1").read_text()) == 2000


def test_a_signal_waits_until_a_start_is_over_and_reaches_the_program(tmp_path):
    told = tmp_path / "told"
    mask = "signal.pthread_sigmask(signal.SIG_BLOCK, [])"
    process = Process(
        name="one",
        argv=[sys.executable, "-c", f"import signal; print({mask})"],
        env={},
        ready=lambda: True,
        is_last=False,
        log=tmp_path / "log",
    )

    def announce():
        held = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        told.write_text(str(held))

    process.start(announce=announce)
    process.wait()

    assert told.read_text() == "True"
    assert process.output().strip() == "set()"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
