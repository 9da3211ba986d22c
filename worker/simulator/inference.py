"""`/api/generate` and `/api/chat`: from a request to a load, a token or a text."""

from functools import partial

from worker.simulator.answers import ChatShape, GenerateShape
from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange
from worker.simulator.gosyntax import quoted
from worker.simulator.host import Host
from worker.simulator.lookup import Endpoint, find_model, require
from worker.simulator.physics.models import Capability, Model
from worker.simulator.prompts import Window, chat_size, text_size
from worker.simulator.requests import Chat, Common, Generate, read_chat, read_generate
from worker.simulator.templates import render
from worker.simulator.work import Work, Writer, answer_empty

_MAX_LOGPROBS = 20


async def generate(host: Host, exchange: Exchange) -> None:
    """Answer `/api/generate`."""
    await serve_generate(host, exchange, read_generate(exchange.body))


async def chat(host: Host, exchange: Exchange) -> None:
    """Answer `/api/chat`."""
    await serve_chat(host, exchange, read_chat(exchange.body))


async def serve_generate(host: Host, writer: Writer, request: Generate) -> None:
    """Load, unload or generate.

    (1) No prompt and a keep-alive of 0 unloads, even what cannot generate.
    (2) No prompt loads.
    (3) Else the prompt is answered.

    Source: `server/routes.go`, GenerateHandler.
    """
    _check_logprobs(request)
    model = find_model(host, request.model, endpoint=Endpoint.GENERATE)
    if not request.prompt and request.keep_alive_s == 0:  # (1)
        host.unload(model)
        await answer_empty(host, writer, request, GenerateShape(), "unload")
        return
    if request.raw and (request.template or request.system or request.context):
        raise HttpError(400, "raw mode does not support template, system, or context")
    _check_thinking(model, request)
    wanted = [Capability.COMPLETION]
    if request.suffix:
        wanted.append(Capability.INSERT)
    require(model, request.model, wanted, verb="generate")
    work = Work(  # (2) (3)
        request=request,
        model=model,
        shape=GenerateShape(),
        measure=partial(_generate_size, model, request) if request.prompt else None,
        images=request.images,
    )
    await work.serve(host, writer)


async def serve_chat(host: Host, writer: Writer, request: Chat) -> None:
    """Load, unload or chat, as `serve_generate` does with messages for a prompt.

    Source: `server/routes.go`, ChatHandler.
    """
    _check_logprobs(request)
    model = find_model(host, request.model, endpoint=Endpoint.CHAT)
    if not request.messages and request.keep_alive_s == 0:
        host.unload(model)
        await answer_empty(host, writer, request, ChatShape(), "unload")
        return
    _check_thinking(model, request)
    wanted = [Capability.COMPLETION]
    if request.has_tools:
        wanted.append(Capability.TOOLS)
    require(model, request.model, wanted, verb="chat")
    work = Work(
        request=request,
        model=model,
        shape=ChatShape(),
        measure=partial(chat_size, request.messages) if request.messages else None,
        images=request.images,
    )
    await work.serve(host, writer)


def _generate_size(model: Model, request: Generate, window: Window) -> int:
    """Count a prompt as the model's own template, which is bare, has it rendered."""
    text = request.prompt
    if request.template:
        system = request.system or model.system
        text = render(request.template, system=system, prompt=text)
    return text_size(text, window, context=request.context)


def _check_logprobs(request: Common) -> None:
    if not 0 <= request.top_logprobs <= _MAX_LOGPROBS:
        raise HttpError(400, "top_logprobs must be between 0 and 20")


def _check_thinking(model: Model, request: Common) -> None:
    if request.think and Capability.THINKING not in model.capabilities:
        raise HttpError(400, f"{quoted(request.model)} does not support thinking")
