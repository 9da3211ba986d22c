"""Takes pictures of the status page of a whole system: `make picture`.

Four simulated hosts are kept warm for some minutes, while an application asks for
another model now and then, one host dies and one restarts; then the page is shown.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.browser.conftest import running_browser
from tests.support.processes import RestartingSupervisor
from tests.support.system import RunningSystem, running_system
from tests.support.waiting import until
from worker.cli.supervisor import free_port

MODELS = (
    *("llama3:8b?load=9s&size=4.7GB", "qwen3:4b?load=6s&size=2.5GB"),
    *("gemma3:27b?load=25s&size=17GB", "nomic-embed-text?load=2s&size=300MB"),
    "phi4:14b?load=14s&size=9GB",
)
LLAMA = "llama3:8b?num_ctx=8192&keep_alive=30m"
VIEWS = {"wide": (1280, 800), "middle": (800, 900), "narrow": (360, 760)}
PICTURE = {"picture": (1160, 1160)}
"""Widths and heights, pixels."""


def live(system: RunningSystem, *, seconds: float) -> None:
    """What happens to the system."""
    began = time.monotonic()
    system.state.wait_until_warm("gpu-1", "llama3:8b", "nomic-embed-text")
    system.state.wait_until_warm("gpu-2", "llama3:8b", "qwen3:4b")
    while time.monotonic() - began < seconds * 0.7:
        system.hosts["gpu-1"].ask("qwen3:4b", keep_alive="8s")
        time.sleep(seconds * 0.2)
    kill(system.supervisor, "ollama-gpu-4")
    time.sleep(max(0.0, seconds * 0.9 - (time.monotonic() - began)))
    kill(system.supervisor, "ollama-gpu-3")
    system.supervisor.restart("ollama-gpu-3")
    system.state.wait_for("gpu-3", {"gemma3:27b": "loading"})
    time.sleep(8)


def kill(supervisor: RestartingSupervisor, name: str) -> None:
    """Kill a server for good."""
    supervisor.kill(name)
    until(lambda: list(supervisor.deaths()), f"{name} is dead")


def take(browser: Browser, url: str, scheme: str, view: str, file: Path) -> None:
    width, height = (VIEWS | PICTURE)[view]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=1.5,
    )
    page.goto(url)
    page.locator("li.target").first.wait_for()
    page.screenshot(path=file, full_page=view != "picture")
    page.close()


def main(file: Path, *, seconds: float) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ollama-warmup-picture-"))
    enabled = {"OLLAMA_WARMUP_ENABLED": "true"}
    fields: Any = {"tick_s": 1, "web_port": free_port(), "variables": enabled}
    with running_system("loop", **fields) as system:
        two = ("--max-loaded-models", "2")
        system.simulate("gpu-1", "gpu-2", models=MODELS, flags=two)
        for host in ("gpu-3", "gpu-4"):
            system.simulate(host, models=MODELS, process=f"ollama-{host}")
        system.want(
            **{
                "gpu-1": f"{LLAMA}, nomic-embed-text?priority=-1",
                "gpu-2": f"{LLAMA}, qwen3:4b?priority=-1",
                "gpu-3": "gemma3:27b?keep_alive=1h",
                "gpu-4": "phi4:14b?keep_alive=30m",
            }
        )
        system.start_shipped()
        system.wait_ready()
        live(system, seconds=seconds)
        with running_browser() as browser:
            take(browser, system.shipped.web_url, "light", "picture", file)
            for scheme in ("light", "dark"):
                for view in VIEWS:
                    other = folder / f"{view}-{scheme}.png"
                    take(browser, system.shipped.web_url, scheme, view, other)
                    sys.stdout.write(f"{other}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), seconds=float(sys.argv[2]))
