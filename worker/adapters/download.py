"""One download: a request of `/api/pull`, read in a thread of its own.

Ollama tells line by line how far it is, and says nothing while it checks what has
come, for minutes if that is much. Whoever waits here decides how long that may be.
The download lives as long as its request; what is there when it is closed stays,
and the next request goes on from it (source: Ollama server/download.go at 0.33).
"""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
from httpx import codes

from ollama_warmup.errors import OllamaUnreachable, PullFailed, WarmupError
from worker.adapters import refusals
from worker.core.domain import Progress

logger = logging.getLogger(__name__)

CONNECT_S = 5.0
SILENT_S = 330.0
"""Bounds a thread that nobody waits for any more; a task's hard limit."""
CLOSE_S = 1.0
"""How long a closed request may take to end; then its thread is left to itself."""


class Download:
    """A context in which a model is downloaded; leaving it closes the request."""

    def __init__(
        self, model: str, *, http: httpx.Client, host: str, headers: Mapping[str, str]
    ) -> None:
        """Send nothing yet.

        Args:
            model: its name.
            http: of the host.
            host: the host as messages show it.
            headers: that this host alone may see.
        """
        self.progress = Progress()
        self.heard = 0
        """How many lines have come."""
        self._model, self._http, self._host = model, http, host
        self._headers = headers
        self._parts: dict[str, tuple[int, int]] = {}
        self._ended, self._is_closed = threading.Event(), False
        self._has_succeeded = False
        self._failure: WarmupError | None = None
        self._response: httpx.Response | None = None
        self._reader = threading.Thread(target=self._hold, name="pull", daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_closed = True
        self._cut()
        self._reader.join(CLOSE_S)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, at most so long; whether it has come."""
        return self._ended.wait(timeout_s)

    def check(self) -> None:
        """Say how it ended, once `wait` has said that it did.

        Raises:
            DiskFull: the host's disk has no room for it.
            UnknownModel: its registry does not have it.
            Refused: host or registry refuse, and would again.
            PullFailed: it broke off; what is there is kept.
            OllamaUnreachable: the host gave no answer.
        """
        if self._failure is not None:
            raise self._failure

    def _hold(self) -> None:
        try:
            self._read()
        except httpx.HTTPError as exc:
            self._failure = self._broken(exc)
        except WarmupError as exc:
            self._failure = exc
        except Exception as exc:
            logger.exception("The pull of %s broke", self._model)
            self._failure = WarmupError(f"the worker broke while it pulled: {exc!r}")
        finally:
            self._ended.set()

    def _read(self) -> None:
        timeout = httpx.Timeout(SILENT_S, connect=CONNECT_S)
        body = {"model": self._model}
        with self._http.stream(
            "POST", "/api/pull", json=body, headers=self._headers, timeout=timeout
        ) as response:
            self._response = response
            if not response.is_success:
                raise self._refusal(response)
            for line in response.iter_lines():
                if self._is_closed:
                    return
                self._take(line)
        if not self._has_succeeded:
            raise PullFailed(
                f"host {self._host} ended the pull of {self._model!r} early"
                f"{self._so_far()}: pull again, it goes on from what is there"
            )

    def _take(self, line: str) -> None:
        row = self._row(line)
        if "error" in row:
            raise self._told(str(row["error"]))
        self.heard += 1
        status = str(row.get("status") or self.progress.status)
        self._has_succeeded = status == "success"
        if "digest" in row:
            counts = (_count(row, "completed"), _count(row, "total"))
            self._parts[str(row["digest"])] = counts
        self.progress = Progress(
            status=status,
            completed_bytes=sum(done for done, _ in self._parts.values()),
            total_bytes=sum(total for _, total in self._parts.values()),
        )

    def _row(self, line: str) -> dict[str, Any]:
        try:
            row = json.loads(line or "{}")
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise OllamaUnreachable(
                f"host {self._host} answers /api/pull as no Ollama does "
                f"({line[:80]!r}): check its URL, and any proxy before it"
            )
        return row

    def _refusal(self, response: httpx.Response) -> WarmupError:
        """A status says little of a pull; only what is no server fault has one."""
        response.read()
        text, status = refusals.error_text(response), response.status_code
        if status == codes.INTERNAL_SERVER_ERROR or (
            status == codes.NOT_FOUND and "model" in text.lower()
        ):
            return self._told(text)
        return refusals.error(response, model=self._model, host=self._host)

    def _told(self, text: str) -> WarmupError:
        return refusals.pull_error(
            text, model=self._model, host=self._host, so_far=self._so_far()
        )

    def _broken(self, exc: httpx.HTTPError) -> WarmupError:
        why = str(exc) or type(exc).__name__
        if self.heard:
            failure: WarmupError = PullFailed(
                f"host {self._host} broke off the pull of {self._model!r}"
                f"{self._so_far()} ({why}): was its Ollama restarted? What is there "
                "is kept"
            )
        else:
            failure = OllamaUnreachable(
                f"host {self._host} gave no answer to /api/pull ({why}): is Ollama "
                "running there? `ollama ps` with the same OLLAMA_HOST tells"
            )
        failure.__cause__ = exc
        return failure

    def _so_far(self) -> str:
        progress = self.progress
        if not progress.total_bytes:
            return ""
        done, total = progress.completed_bytes / 1e9, progress.total_bytes / 1e9
        return f" with {done:.1f} of {total:.1f} GB there"

    def _cut(self) -> None:
        """Wake the reader, who may wait for a word that does not come."""
        stream = self._response and self._response.extensions.get("network_stream")
        if stream:
            with contextlib.suppress(OSError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def _count(row: dict[str, Any], key: str) -> int:
    """A number of bytes; Ollama leaves out a 0."""
    value = row.get(key)
    return value if isinstance(value, int) else 0
