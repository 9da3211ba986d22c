"""What a host has on its disk, and what is on its way there: values, all frozen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A model that a host has."""

    digest: str
    """Of the manifest, as `/api/tags` shows it."""
    size_bytes: int
    """Of all its parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a download is."""

    status: str = ""
    """In Ollama's words, such as `pulling 6a0746a1ec1a`; empty = nothing was said."""
    completed_bytes: int = 0
    total_bytes: int = 0
    """Of the parts that were named so far: it grows while they are."""

    @property
    def is_finishing(self) -> bool:
        """Whether all is there and the host checks it, without a word meanwhile."""
        return bool(self.status) and not self.status.startswith("pulling")
