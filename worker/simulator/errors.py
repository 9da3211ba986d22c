"""Answers that are errors."""

import json

BUSY = "server busy, please try again.  maximum pending requests exceeded"
"""A full queue; the two spaces are those of `server/sched.go`."""

OUT_OF_MEMORY = (
    "llama-server process has terminated: exit status 1: "
    "cudaMalloc failed: out of memory"
)
"""A load that found no memory; `llm/llama_server.go`, WaitUntilRunning."""

RUNNER_STOPPED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations "
    "or an internal error, check ollama server logs for details"
)
"""Work whose runner died; `llm/llama_server.go`, Completion."""


class HttpError(Exception):
    """An error that ends a request; `extra` fields join the text in the body."""

    def __init__(self, status: int, text: str, **extra: str) -> None:
        """Remember what to answer."""
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.extra = extra


def llama_server_error(
    text: str, kind: str = "invalid_request_error", **fields: int
) -> HttpError:
    """A 400 of llama-server, which Ollama hands on as text.

    Source: `llm/llama_server.go`, Completion and Chat.
    """
    error = {"code": 400, "message": text, "type": kind, **fields}
    return HttpError(400, json.dumps({"error": error}, separators=(",", ":")))
