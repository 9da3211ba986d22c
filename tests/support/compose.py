"""The compose files of this project, as YAML reads them."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PRODUCTION, DEVELOPMENT = "docker-compose.yml", "docker-compose.dev.yml"
OURS = ("worker", "control", "pull", "beat", "web", "flower")
"""The services that run this project's image."""


def text(file: str) -> str:
    """The text of a compose file, by its name in the root of the repository."""
    return (ROOT / file).read_text()


def load(file: str = PRODUCTION) -> dict[str, Any]:
    """A compose file as data."""
    loaded: dict[str, Any] = YAML(typ="safe").load(text(file))
    return loaded


def services(file: str = PRODUCTION) -> Any:
    """What a compose file says of each service, by name."""
    return load(file)["services"]
