"""Ollama over HTTP: the only place that knows paths, JSON shapes and statuses.

One `Ollama` speaks to one host, in one process. Failures leave it as our errors,
translated in `worker.adapters.refusals` (an answer) and `_call` (no answer).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from ollama_warmup import errors
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Sample
from worker.adapters import refusals, shapes
from worker.adapters.download import Download
from worker.adapters.inference import Inference
from worker.core.domain import Answer, HostView, ModelInfo, Tag

CONNECT_S = 5.0
VIEW_S = 15.0
"""`/api/ps` may block for 5 s (memory recovery) or 10 s (a mute runner)."""
T = TypeVar("T")


def shown(host: str, url: str) -> str:
    """A host as messages show it, without its login."""
    parts = urlsplit(url)
    return f"{host} ({parts.scheme}://{parts.netloc.rpartition('@')[2]})"


def is_loopback(url: str) -> bool:
    """Whether a URL is this machine's own; no proxy leads there."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


class Ollama:
    """One Ollama server.

    Raises, from every method that sends: `OllamaUnreachable`, `OllamaBusy`,
    `LoadFailed`, `UnknownModel`, `Refused`, `OutOfMemory`, `RunnerTerminated`, and
    what `authorization` raises.
    """

    def __init__(
        self,
        host: str,
        url: str,
        *,
        authorization: Callable[[], Mapping[str, str]] = dict,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            host: the host's name in the configuration, for messages.
            url: as `ollama_warmup.settings.host_url` returns it.
            authorization: makes the headers that this host alone may see, anew for
                each request.
            transport: where requests go instead of the network.
        """
        self.url, self.shown = url, shown(host, url)
        self._authorization = authorization
        self._http = httpx.Client(
            base_url=url,
            transport=transport,
            timeout=httpx.Timeout(VIEW_S, connect=CONNECT_S),
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=not is_loopback(url),  # as Ollama's own client
            follow_redirects=False,  # what is meant for this host goes to no other
        )
        self._urls: dict[str, httpx.URL] = {}

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._http.close()

    def view(self) -> HostView:
        """What is resident now, and the host's own time."""
        response = self._call("GET", "/api/ps")
        date = response.headers.get("date")
        return self._read(partial(shapes.view, date=date), response)

    def tags(self) -> dict[str, Tag]:
        """Every model that the host has, by normal name."""
        response = self._call("GET", "/api/tags")
        return self._read(shapes.tags, response)

    def show(self, model: str) -> ModelInfo:
        """What the host knows of a model."""
        response = self._call("POST", "/api/show", {"model": model})
        return self._read(shapes.info, response)

    def infer(  # noqa: PLR0913 - what one request says, each thing by its name
        self,
        model: str,
        *,
        options: RunnerOptions,
        keep_alive_s: float | None,
        embed: bool,
        prompt: str = "ok",
        sample: Sample | None = None,
        ceiling_s: float = 1_800,
    ) -> Answer:
        """Make the model answer: one token, or one vector; loads it if need be.

        Blocks until the answer, behind every load that the host has queued. The
        load dies with this request.

        Args:
            model: its name.
            options: exactly what the application sends.
            keep_alive_s: seconds, sent as given; None = not sent, `math.inf` = -1.
            embed: ask `/api/embed` for a vector instead of a token.
            prompt: sent raw, without the model's template.
            sample: sent instead as an application would: a prompt with the model's
                template, or messages to `/api/chat`.
            ceiling_s: seconds without an answer until it is given up.

        Raises:
            LoadFailed: also for a 200 that ended early (`done: false`).
            LoadTimeout: no answer within the ceiling.
        """
        asked = Inference(
            model=model,
            options=options,
            keep_alive_s=keep_alive_s,
            embed=embed,
            prompt=prompt,
            sample=sample,
        )
        response = self._call("POST", asked.path, asked.body, ceiling_s=ceiling_s)
        return self._answer(response, asked)

    def touch(
        self,
        model: str,
        *,
        options: RunnerOptions,
        embed: bool,
        ceiling_s: float = 1_800,
    ) -> None:
        """Restart the timer of a resident model: no prompt, and no `keep_alive`.

        On a resident with these runner options it takes 20-80 ms, needs no slot and
        infers nothing; otherwise it loads (source: `GenerateHandler` and
        `EmbedHandler`, server/routes.go at 0.33). A `keep_alive` would revive a
        model that has to go, which wedges the server; nothing is sent to forbid it.

        Args:
            model: its name.
            options: exactly those it was loaded with.
            embed: whether it embeds and does not complete.
            ceiling_s: seconds without an answer until it is given up.
        """
        body: dict[str, Any] = {"model": model, "stream": False}
        given = options.given()
        shift = given.pop("shift", None)
        body["options"] = given
        if embed:
            self._call("POST", "/api/embed", body, ceiling_s=ceiling_s)
            return
        body |= {} if shift is None else {"shift": shift}
        self._call("POST", "/api/generate", body, ceiling_s=ceiling_s)

    def unload(self, model: str) -> None:
        """Ask the host to let the model go now, or after its work.

        Answered at once, whether or not it is loaded, and with whatever options: it
        never loads. So it also frees a wedged host, where an explicit `keep_alive` of
        a second would need the very options of the resident, and hang without.
        """
        body = {"model": model, "keep_alive": 0, "stream": False}
        self._call("POST", "/api/generate", body)

    def pull(self, model: str) -> Download:
        """A download of the model onto the host, not begun yet."""
        http, own = self._http, self._authorization()
        return Download(model, http=http, host=self.shown, headers=own)

    def _answer(self, response: httpx.Response, asked: Inference) -> Answer:
        body = self._read(dict, response)
        if not asked.is_proven_by(body):
            raise errors.LoadFailed(
                f"{self.shown} answered 200 for {asked.model!r}, but its answer ended "
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
        headers = self._authorization()
        try:
            response = self._http.request(
                method, self._url(path), json=body, headers=headers, timeout=timeout
            )
        except httpx.ReadTimeout as exc:
            if ceiling_s is not None:
                raise refusals.late(self.shown, ceiling_s) from exc
            raise errors.OllamaUnreachable(
                f"host {self.shown} did not answer {path} within {read_s:.0f} s: is "
                "its machine overloaded?"
            ) from exc
        except httpx.HTTPError as exc:
            is_down = isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout)
            error = errors.OllamaDown if is_down else errors.OllamaUnreachable
            raise error(
                f"host {self.shown} gave no answer to {path} "
                f"({str(exc) or type(exc).__name__}): is Ollama running there? "
                "`ollama ps` with the same OLLAMA_HOST tells"
            ) from exc
        if not response.is_success:
            model = str((body or {}).get("model", ""))
            raise refusals.error(response, model=model, host=self.shown)
        return response

    def _url(self, path: str) -> httpx.URL:
        """The path on this host, joined once: it takes 40 us of the 370 of a view."""
        if path not in self._urls:
            self._urls[path] = self._http.build_request("GET", path).url
        return self._urls[path]

    def _read(
        self, shape: Callable[[Mapping[str, Any]], T], response: httpx.Response
    ) -> T:
        try:
            return shape(response.json())
        except shapes.NONSENSE as exc:
            raise errors.OllamaUnreachable(
                shapes.nonsense(self.shown, response.url.path, response.text)
            ) from exc
