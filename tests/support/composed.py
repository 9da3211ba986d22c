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


def services(file: str) -> Any:
    """What a compose file says of each service, by name."""
    return YAML(typ="safe").load(text(file))["services"]
