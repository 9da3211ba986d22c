"""A request that needs a runner: its wait, its work, and how it is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from worker.simulator.answers import ZERO_TIME, Metrics, Shape, words
from worker.simulator.errors import HttpError, llama_server_error
from worker.simulator.exchange import Body
from worker.simulator.faults import Kind
from worker.simulator.gojson import as_written
from worker.simulator.gosyntax import quoted
from worker.simulator.host import Host, Session
from worker.simulator.physics.events import Started
from worker.simulator.physics.models import Capability, Model
from worker.simulator.physics.options import Wanted, WrongTypeError, want
from worker.simulator.physics.runner import Inference
from worker.simulator.prompts import Window, answer_size
from worker.simulator.requests import Common, Generate
from worker.simulator.templates import BadTemplateError

_NO_IMAGES = "Multimodal data provided, but model does not support multimodal requests."


class Writer(Protocol):
    """Where an answer goes: the wire, or a translation of it."""

    async def answer(self, body: Body, *, status: int = 200) -> None:
        """Send a whole answer."""

    async def line(self, body: Body) -> None:
        """Send one piece of a streamed answer."""

    async def end(self) -> None:
        """End a streamed answer."""


def wanted_of(
    host: Host,
    model: Model,
    options: Mapping[str, object],
    *,
    shift: bool | None = None,
) -> Wanted:
    """Merge a request's options into the model's.

    Raises:
        HttpError: for an option of the wrong type.
    """
    settings = host.scheduler.settings
    try:
        return want(model, options, settings=settings, shift=shift)
    except WrongTypeError as error:
        raise HttpError(500, str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A request that needs a runner, and how it is answered."""

    request: Common
    model: Model
    shape: Shape
    measure: Callable[[Window], int] | None
    """Counts the tokens of the prompt, or refuses it; None only loads."""
    images: int

    async def serve(self, host: Host, writer: Writer) -> None:
        """Wait for the runner, do the work, and answer."""
        arrived_at = host.clock.now()
        wanted = wanted_of(
            host, self.model, self.request.options, shift=self.request.shift
        )
        window = Window.of(self.model, wanted, truncates=self.request.truncate)
        size, refusal = self._measured(window)
        tokens, reason = answer_size(self.model, wanted, window, prompt=size)
        async with host.session(
            self.model,
            wanted,
            keep_alive_s=self.request.keep_alive_s,
            inference=None if self.measure is None else Inference(tokens=tokens),
        ) as session:
            granted_at = await session.granted()
            if self.measure is None:
                await answer_empty(host, writer, self.request, self.shape, "load")
                return
            if isinstance(refusal, BadTemplateError):
                raise refusal
            started = await session.started()
            self._check_input(refusal)
            if host.faults.strike(
                Kind.EARLY_END, model=self.model.name.full, path=self.shape.path
            ):
                await self._end_early(session, writer)
                return
            if self.request.stream:
                await self._stream(host, session, writer, started, tokens)
            finished_at = await session.finished()
            metrics = Metrics(
                total_s=finished_at - arrived_at,
                load_s=granted_at - arrived_at,
                prompt_tokens=size,
                prompt_s=started.prompt_s,
                tokens=tokens,
                token_s=started.token_s,
            )
        text = ("", "") if self.request.stream else self._text(tokens)
        await self._finish(host, writer, text, {"done_reason": reason}, metrics)

    def _measured(self, window: Window) -> tuple[int, HttpError | None]:
        """The tokens of the prompt, or what is wrong with it once its turn comes."""
        try:
            return (self.measure(window) if self.measure else 0), None
        except HttpError as error:
            return 0, error

    def _check_input(self, refusal: HttpError | None) -> None:
        """Refuse what llama-server refuses once the work begins.

        Source: `llm/llama_server.go`, Completion.
        """
        wish = self.request.format
        if wish not in (None, "", "json") and not isinstance(wish, dict):
            text = quoted(as_written(wish))
            expected = 'expected "json" or a valid JSON Schema object'
            raise HttpError(500, f"invalid format: {text}; {expected}")
        if self.images and Capability.VISION not in self.model.capabilities:
            raise llama_server_error(_NO_IMAGES)
        if refusal:
            raise refusal

    async def _end_early(self, session: Session, writer: Writer) -> None:
        """Answer as when the runner's stream ends without its last piece.

        Source: measured on 0.24 and 0.33.
        """
        await session.finished()
        if self.request.stream:
            await writer.end()
            return
        zero = self.shape.part("", ZERO_TIME, "", "")
        await writer.answer({**zero, "done": False})

    async def _stream(
        self,
        host: Host,
        session: Session,
        writer: Writer,
        started: Started,
        tokens: int,
    ) -> None:
        first_at = started.at + started.prompt_s
        for index, word in enumerate(words(tokens)):
            await session.sleep_until(first_at + (index + 1) * started.token_s)
            thinks = index < self._thoughts(tokens)
            part = self.shape.part(
                self.request.model,
                host.clock.stamp(),
                "" if thinks else word,
                word if thinks else "",
            )
            await writer.line({**part, "done": False})

    async def _finish(
        self,
        host: Host,
        writer: Writer,
        text: tuple[str, str],
        reason: Mapping[str, str],
        metrics: Metrics,
    ) -> None:
        part = self.shape.part(self.request.model, host.clock.stamp(), *text)
        context = {}
        if isinstance(self.request, Generate) and not self.request.raw:
            tokens = metrics.prompt_tokens - 1 + metrics.tokens
            context["context"] = [*range(tokens)]
        body = {**part, "done": True, **reason, **context, **metrics.as_json()}
        if self.request.stream:
            await writer.line(body)
            await writer.end()
        else:
            await writer.answer(body)

    def _text(self, tokens: int) -> tuple[str, str]:
        """The whole answer, and the thoughts before it."""
        written = list(words(tokens))
        thoughts = self._thoughts(tokens)
        return "".join(written[thoughts:]), "".join(written[:thoughts])

    def _thoughts(self, tokens: int) -> int:
        """How many tokens a thinking model thinks before it answers."""
        thinks = Capability.THINKING in self.model.capabilities
        return (tokens + 1) // 2 if thinks and self.request.think is not False else 0


async def answer_empty(
    host: Host, writer: Writer, request: Common, shape: Shape, reason: str
) -> None:
    """Answer a request that had no work to do."""
    part = shape.part(request.model, host.clock.stamp(), "", "")
    await writer.answer({**part, "done": True, "done_reason": reason})
