"""The package inside an application with a Celery, and everybody's file names."""

import json
import os
import subprocess
import sys

import pytest
from redis import Redis

from worker.cli.supervisor import free_port

FILES = {
    "celeryconfig.py": """
        broker_url = "redis://127.0.0.1:1/0"  # CELERY_BROKER_URL tells better
        """,
    "worker.py": """
        from celery import Celery

        app = Celery("theirs", include=["tasks"])
        app.config_from_object("celeryconfig")
        """,
    "tasks.py": """
        from celery import shared_task
        from worker import app
        from ollama_warmup import warmup

        @app.task(name="theirs.add")
        def add(a, b):
            return a + b

        @shared_task(name="theirs.warm")
        def warm(model):
            return warmup.delay(model).id
        """,
    "use.py": """
        import asyncio, json, os
        import celeryconfig, tasks, worker
        from celery import current_app
        from ollama_warmup import warmup, warmup_ollama_model
        from ollama_warmup.publish import app

        def in_a_child():
            reader, writer = os.pipe()
            if os.fork() == 0:
                told = {"theirs": tasks.add.delay(1, 1).get(timeout=30),
                        "ours": warmup.delay("tiny").get(timeout=50)["outcome"]}
                os.write(writer, json.dumps(told).encode())
                os._exit(0)
            os.wait()
            return json.loads(os.read(reader, 10_000))

        def failure(function, *args):
            try:
                function(*args)
            except Exception as exc:
                return type(exc).__name__

        inside = tasks.warm.delay("tiny2").get(timeout=30)
        print(json.dumps({
            "theirs": tasks.add.delay(2, 3).get(timeout=30),
            "ours": warmup.delay("tiny").get(timeout=50)["outcome"],
            "awaited": asyncio.run(warmup_ollama_model("tiny", timeout_s=50)),
            "inside": app().AsyncResult(inside).get(timeout=50)["model"],
            "unknown": failure(warmup.delay("nope").get, 50),
            "unchecked": failure(
                app().send_task("ollama.warmup", ("a b",)).get, 50),
            "child": in_a_child(),
            "current": current_app.main,
            "files": [os.path.dirname(m.__file__) for m in
                      (tasks, worker, celeryconfig)],
        }))
        """,
}
WORKER = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--pool=solo"]


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        lines = (line.removeprefix(" " * 8) for line in text.splitlines())
        (tmp_path / name).write_text("\n".join(lines))
    return tmp_path


@pytest.fixture
def environment(system):
    theirs = system.broker_url.removesuffix("/0") + "/1"
    variables = (
        "CELERY_BROKER_URL",
        "CELERY_BROKER_WRITE_URL",
        "CELERY_RESULT_BACKEND",
    )
    return os.environ | system.environment | dict.fromkeys(variables, theirs)


@pytest.fixture
def their_worker(folder, environment):
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            WORKER, cwd=folder, env=environment, stdout=log, stderr=log
        )
    yield process
    process.terminate()
    process.wait()


@pytest.mark.usefixtures("their_worker")
def test_an_application_may_have_a_celery_of_its_own(system, folder, environment):
    used = subprocess.run(
        [sys.executable, "use.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert used.returncode == 0, used.stderr + (folder / "worker.log").read_text()
    told = json.loads(used.stdout)
    assert told.pop("awaited")["model"] == "tiny"
    assert told == {
        "theirs": 5,
        "ours": "loaded",
        "inside": "tiny2",
        "unknown": "UnknownModel",
        "unchecked": "BadRequest",
        "child": {"theirs": 2, "ours": "already_warm"},
        "current": "theirs",
        "files": [str(folder)] * 3,
    }
    with Redis.from_url(environment["CELERY_BROKER_URL"]) as theirs:
        assert list(theirs.scan_iter("*ollama*")) == []
    with Redis.from_url(system.broker_url) as ours:
        assert [
            k for k in ours.scan_iter() if not k.startswith((b"tests:", b"empty:"))
        ] == []


def test_an_import_opens_nothing_and_does_not_judge_the_environment(folder):
    code = """
import sys
sys.addaudithook(lambda event, args: event.startswith("socket.") and print(event))
from ollama_warmup import warmup, warmup_ollama_model
print("imported")
try:
    warmup.delay("llama3:8b")
except Exception as exc:
    print(type(exc).__name__)
"""
    broken = os.environ | {
        "OLLAMA_WARMUP_TYPO": "1",
        "OLLAMA_WARMUP_BROKER_URL": f"redis://127.0.0.1:{free_port()}",
    }

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=broken,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == ["imported", "BadSettings"]
