"""How fast a file comes from its disk, past the page cache. It only reads."""

import contextlib
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ollama_warmup.errors import WarmupError

MOST_BYTES = 256 * 2**20
MOST_S = 4.0
"""A slow disk has told enough by then, seconds."""
CHUNK_BYTES = 4 * 2**20
"""What a load reads at once, roughly; a multiple of every block size."""


class NotMeasured(WarmupError):
    """The file could not be read past the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast it came."""

    read_bytes: int
    read_s: float


def measure(path: Path, *, monotonic: Callable[[], float]) -> Speed:
    """Read the beginning of a file from its disk.

    With O_DIRECT, which leaves the page cache as it is; where the file system has no
    such thing, after telling the kernel to forget the part that is read, which then
    is in the cache again.

    Args:
        path: of a file.
        monotonic: seconds that never go back.

    Raises:
        NotMeasured: it is not there, not readable, or always comes from memory.
    """
    try:
        with contextlib.closing(_Past(path)) as file:
            return _read(file, monotonic)
    except FileNotFoundError as exc:
        raise NotMeasured(f"{path} is not on this machine") from exc
    except OSError as exc:
        raise NotMeasured(f"{path} cannot be read ({exc.strerror})") from exc


def _read(file: "_Past", monotonic: Callable[[], float]) -> Speed:
    began_s, done = monotonic(), 0
    while done < MOST_BYTES and monotonic() - began_s < MOST_S:
        count = file.read(done)
        done += count
        if count < CHUNK_BYTES:
            break
    if not done:
        raise NotMeasured("the file is empty")
    return Speed(read_bytes=done, read_s=max(monotonic() - began_s, 1e-9))


class _Past:
    """A file that is read past the cache."""

    def __init__(self, path: Path) -> None:
        self._buffer = mmap.mmap(-1, CHUNK_BYTES)  # aligned, as O_DIRECT wants it
        self._is_direct = hasattr(os, "O_DIRECT")
        try:
            self._file = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECT", 0))
        except OSError:
            if not self._is_direct:
                raise
            self._is_direct = False
            self._file = os.open(path, os.O_RDONLY)

    def read(self, offset: int) -> int:
        """Read up to a chunk; how many bytes came."""
        if not self._is_direct:
            self._forget(offset)
        return os.preadv(self._file, [self._buffer], offset)

    def _forget(self, offset: int) -> None:
        if not hasattr(os, "posix_fadvise"):
            raise NotMeasured("this system reads files through its cache alone")
        os.posix_fadvise(self._file, offset, CHUNK_BYTES, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Give back what was opened."""
        os.close(self._file)
        self._buffer.close()
