"""Ollama over HTTP: the only place that knows paths, JSON shapes and statuses.

One `Ollama` speaks to one host, in one process. Failures leave it as our errors,
translated in `worker.adapters.refusals` (an answer) and `_call` (no answer).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from ollama_warmup import errors
from ollama_warmup.names import parse as parse_name
from ollama_warmup.request import RunnerOptions
from worker.adapters import refusals
from worker.adapters.download import Download
from worker.core.disk import Stored
from worker.core.domain import Answer, HostView, ModelInfo, Resident

CONNECT_S = 5.0
VIEW_S = 15.0
"""`/api/ps` may block for 5 s (memory recovery) or 10 s (a mute runner)."""
_BLOB = re.compile(r"^FROM .*\b(sha256-[0-9a-f]{64})\s*$", re.MULTILINE)
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)


class Ollama:
    """One Ollama server.

    Raises, from every method that sends: `OllamaUnreachable`, `OllamaBusy`,
    `LoadFailed`, `UnknownModel`, `Refused`, `OutOfMemory`, `RunnerTerminated`.
    """

    def __init__(
        self,
        host: str,
        url: str,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            host: the host's name in the configuration, for messages.
            url: as `ollama_warmup.settings.host_url` returns it.
            transport: where requests go instead of the network.
        """
        parts = urlsplit(url)
        self.url = url
        self.shown = f"{host} ({parts.scheme}://{parts.netloc.rpartition('@')[2]})"
        loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        self._http = httpx.Client(
            base_url=url,
            transport=transport,
            timeout=httpx.Timeout(VIEW_S, connect=CONNECT_S),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=not loopback,  # as Ollama's own client: no proxy to loopback
        )

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._http.close()

    def view(self) -> HostView:
        """What is resident now, and the host's own time."""
        response = self._call("GET", "/api/ps")
        date = response.headers.get("date")
        body = self._json(response)
        try:
            observed_at = parsedate_to_datetime(date)
            residents = tuple(_resident(row) for row in body.get("models") or ())
        except (KeyError, TypeError, ValueError) as exc:
            raise self._nonsense(response) from exc
        return HostView(residents=residents, observed_at=observed_at)

    def digests(self) -> dict[str, str]:
        """The manifest digest of every model the host has, by normal name."""
        return {name: stored.digest for name, stored in self.stored().items()}

    def stored(self) -> dict[str, Stored]:
        """Every model the host has, by normal name."""
        response = self._call("GET", "/api/tags")
        try:
            return {
                parse_name(row["name"]).normal: Stored(
                    digest=str(row["digest"]), size_bytes=int(row.get("size") or 0)
                )
                for row in self._json(response)["models"]
            }
        except (KeyError, TypeError, ValueError) as exc:
            raise self._nonsense(response) from exc

    def show(self, model: str) -> ModelInfo:
        """What the host knows of a model."""
        response = self._call("POST", "/api/show", {"model": model})
        body = self._json(response)
        try:
            return _model_info(body)
        except (TypeError, ValueError, AttributeError) as exc:
            raise self._nonsense(response) from exc

    def infer(
        self,
        model: str,
        *,
        options: RunnerOptions,
        keep_alive_s: float | None,
        embed: bool,
        prompt: str = "ok",
        ceiling_s: float = 1_800,
    ) -> Answer:
        """Make the model answer: one token, or one vector; loads it if need be.

        Blocks until the answer, behind every load that the host has queued. The
        load dies with this request.

        Args:
            model: its name.
            options: exactly what the application sends.
            keep_alive_s: seconds, sent as given; None = not sent.
            embed: ask `/api/embed` for a vector instead of a token.
            prompt: sent raw, without the model's template.
            ceiling_s: seconds without an answer until it is given up.

        Raises:
            LoadFailed: also for a 200 that ended early (`done: false`).
            LoadTimeout: no answer within the ceiling.
        """
        body: dict[str, Any] = {"model": model}
        given = options.given()
        shift = given.pop("shift", None)
        if keep_alive_s is not None:
            body["keep_alive"] = keep_alive_s
        if embed:
            body |= {"input": prompt, "options": given}
        else:
            body |= {"prompt": prompt, "raw": True, "stream": False}
            body["options"] = given | {"num_predict": 1}
            body |= {} if shift is None else {"shift": shift}
        path = "/api/embed" if embed else "/api/generate"
        response = self._call("POST", path, body, ceiling_s=ceiling_s)
        return self._answer(response, model, embed=embed)

    def unload(self, model: str) -> None:
        """Ask the host to let the model go; 200 whether or not it is loaded."""
        body = {"model": model, "keep_alive": 0, "stream": False}
        self._call("POST", "/api/generate", body)

    def pull(self, model: str) -> Download:
        """A download of the model onto the host, not begun yet."""
        return Download(model, http=self._http, host=self.shown)

    def _answer(self, response: httpx.Response, model: str, *, embed: bool) -> Answer:
        body = self._json(response)
        proven = (
            bool(body.get("embeddings"))
            if embed
            else body.get("done") is True and bool(body.get("model"))
        )
        if not proven or "error" in body:
            raise errors.LoadFailed(
                f"{self.shown} answered 200 for {model!r}, but its answer ended "
                f"early ({str(body.get('error', 'no token'))[:200]}); trying again "
                "may help, its log tells why"
            )
        return Answer(
            load_s=body.get("load_duration", 0) / 1e9,
            total_s=body.get("total_duration", 0) / 1e9,
        )

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        ceiling_s: float | None = None,
    ) -> httpx.Response:
        """Send one request; raise our error for anything but a 2xx.

        Nothing is sent before a load ends, so a request that may load is silent
        until then: it has the ceiling, every other one `VIEW_S`.
        """
        read_s = ceiling_s or VIEW_S
        timeout = httpx.Timeout(read_s, connect=CONNECT_S, write=VIEW_S, pool=VIEW_S)
        try:
            response = self._http.request(method, path, json=body, timeout=timeout)
        except httpx.ReadTimeout as exc:
            if ceiling_s is not None:
                raise self._late(ceiling_s) from exc
            raise errors.OllamaUnreachable(
                f"host {self.shown} did not answer {path} within {read_s:.0f} s: is "
                "its machine overloaded?"
            ) from exc
        except httpx.HTTPError as exc:
            raise errors.OllamaUnreachable(
                f"host {self.shown} gave no answer to {path} "
                f"({str(exc) or type(exc).__name__}): is Ollama running there? "
                "`ollama ps` with the same OLLAMA_HOST tells"
            ) from exc
        if not response.is_success:
            model = str((body or {}).get("model", ""))
            raise refusals.error(response, model=model, host=self.shown)
        return response

    def _late(self, ceiling_s: float) -> errors.LoadTimeout:
        return errors.LoadTimeout(
            f"host {self.shown} did not end a load within {ceiling_s:.0f} s, so it was "
            "given up: is its storage slow, does it wait behind other loads, or is the "
            "host wedged? OLLAMA_WARMUP_LOAD_CEILING_S says how long to wait"
        )

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except ValueError as exc:
            raise self._nonsense(response) from exc
        if not isinstance(body, dict):
            raise self._nonsense(response)
        return body

    def _nonsense(self, response: httpx.Response) -> errors.OllamaUnreachable:
        return errors.OllamaUnreachable(
            f"host {self.shown} answers {response.url.path} as no Ollama does "
            f"({response.text[:80]!r}): check its URL, and any proxy before it"
        )


def _resident(row: Mapping[str, Any]) -> Resident:
    context = row.get("context_length")
    return Resident(
        name=str(row["name"]),
        digest=str(row["digest"]),
        context_length=int(context) if context else None,
        size_bytes=int(row["size"]),
        size_vram_bytes=int(row["size_vram"]),
        expires_at=datetime.fromisoformat(row["expires_at"]).astimezone(UTC),
    )


def _model_info(body: Mapping[str, Any]) -> ModelInfo:
    facts = body.get("model_info") or {}
    context = facts.get(f"{facts.get('general.architecture')}.context_length")
    blob = _BLOB.search(body.get("modelfile") or "")
    num_ctx = _NUM_CTX.search(body.get("parameters") or "")
    return ModelInfo(
        capabilities=frozenset(body.get("capabilities") or ()),
        training_context=int(context) if context else None,
        modelfile_num_ctx=int(num_ctx[1]) if num_ctx else None,
        blob=blob[1] if blob else None,
        is_remote=bool(body.get("remote_host") or body.get("remote_model")),
    )
