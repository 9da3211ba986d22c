"""The compose file that is shipped, as data."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def production() -> dict[str, Any]:
    """Return `docker-compose.yml`."""
    text = (ROOT / "docker-compose.yml").read_text()
    file: dict[str, Any] = YAML(typ="safe").load(text)
    return file
