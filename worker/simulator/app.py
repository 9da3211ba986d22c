"""Which handler answers a request, and what goes wrong before it does."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from worker.simulator import (
    blobs,
    catalog,
    changes,
    control,
    embeddings,
    inference,
    openai,
)
from worker.simulator.access import lets_in
from worker.simulator.errors import BUSY, HttpError
from worker.simulator.exchange import Exchange
from worker.simulator.faults import Kind
from worker.simulator.gojson import DecodeError, NoBodyError
from worker.simulator.host import Host
from worker.simulator.translation import error_body
from worker.simulator.visitors import caller

Handler = Callable[[Host, Exchange], Awaitable[None]]

_ROUTES: dict[str, dict[str, Handler]] = {
    "/": {"GET": catalog.root, "HEAD": catalog.root},
    "/api/version": {"GET": catalog.version, "HEAD": catalog.version},
    "/api/status": {"GET": catalog.status},
    "/api/tags": {"GET": catalog.tags, "HEAD": catalog.tags},
    "/api/ps": {"GET": catalog.ps},
    "/api/show": {"POST": catalog.show},
    "/api/push": {"POST": changes.push},
    "/api/pull": {"POST": changes.pull},
    "/api/copy": {"POST": changes.copy},
    "/api/create": {"POST": changes.create},
    "/api/delete": {"DELETE": changes.delete},
    "/api/generate": {"POST": inference.generate},
    "/api/chat": {"POST": inference.chat},
    "/api/embed": {"POST": embeddings.embed},
    "/api/embeddings": {"POST": embeddings.embeddings},
    "/v1/chat/completions": {"POST": openai.chat_completions},
    "/v1/completions": {"POST": openai.completions},
    "/v1/embeddings": {"POST": openai.embeddings},
    "/v1/models": {"GET": openai.models},
}
_NAMED_ROUTES: dict[str, dict[str, Handler]] = {
    blobs.PREFIX: {"HEAD": blobs.head, "POST": blobs.create},
    "/v1/models/": {"GET": openai.model},
}
"""Folders in which every name is a path."""

_METHODS = ("HEAD", "GET", "POST", "DELETE")
"""In the order in which Ollama registers them, and names them in Allow."""


async def serve(host: Host, exchange: Exchange, *, is_loopback: bool) -> None:
    """Answer one request as long as its caller listens.

    Hanging up cancels the handler, and with it whatever it waits for.

    Args:
        host: the simulated server.
        exchange: the request; not read yet.
        is_loopback: whether it listens on a loopback address only; then it answers
            none but local Host headers.
    """
    if not await exchange.read():
        return
    answering = asyncio.ensure_future(_answer(host, exchange, is_loopback=is_loopback))
    hanging_up = asyncio.ensure_future(exchange.hung_up())
    try:
        await asyncio.wait((answering, hanging_up), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()
    finally:
        for task in (answering, hanging_up):
            task.cancel()
        await asyncio.gather(answering, hanging_up, return_exceptions=True)


async def serve_control(host: Host, exchange: Exchange, path: str) -> None:
    """Answer a request to `/_sim`, whatever faults are on."""
    try:
        await control.serve(host, exchange, path)
    except HttpError as error:
        await exchange.answer({"error": error.text}, status=error.status)


async def _answer(host: Host, exchange: Exchange, *, is_loopback: bool) -> None:
    """Decide who answers.

    (1) `/_sim` is beyond all faults.
    (2) A trailing slash is redirected.
    (3) A foreign origin or Host header is refused.
    (4) Faults come before the handler.
    (5) An unknown path is 404, a known one with another method 405.

    Source: gin, handleHTTPRequest: (2) comes before all middleware, and what is
    allowed instead is told whoever refuses.
    """
    if exchange.path.startswith(control.PREFIX):  # (1)
        await serve_control(host, exchange, exchange.path)
        return
    host.requests[exchange.path] += 1
    caller.set(exchange.header("user-agent"))
    methods = _methods(exchange.path)
    if methods is None and exchange.method in _methods_without_slash(exchange.path):
        await exchange.redirect(exchange.path[:-1])  # (2)
        return
    if methods and exchange.method not in methods:
        allowed = ", ".join(method for method in _METHODS if method in methods)
        exchange.headers.append(("allow", allowed))
    if not await lets_in(exchange, is_loopback=is_loopback):  # (3)
        return
    if await _goes_wrong(host, exchange):  # (4)
        return
    if methods is None:  # (5)
        await exchange.text("404 page not found", status=404)
    elif exchange.method not in methods:
        await exchange.text("405 method not allowed", status=405)
    else:
        await _handle(host, exchange, methods[exchange.method])


async def _handle(host: Host, exchange: Exchange, handler: Handler) -> None:
    try:
        await handler(host, exchange)
    except NoBodyError as error:
        is_native = not exchange.path.startswith("/v1/")
        text = "missing request body" if is_native else str(error)
        await _refuse(exchange, HttpError(400, text))
    except DecodeError as error:
        await _refuse(exchange, HttpError(400, str(error)))
    except HttpError as error:
        await _refuse(exchange, error)


async def _refuse(exchange: Exchange, error: HttpError) -> None:
    """Word an error natively or as OpenAI does; cloud errors are always native."""
    body: dict[str, object] = {"error": error.text, **error.extra}
    is_cloud = error.status in (401, 403)
    if exchange.path.startswith("/v1/") and not is_cloud:
        body = error_body(error.status, error.text)
    if exchange.is_streaming:
        await exchange.line(body)
        await exchange.end()
    else:
        await exchange.answer(body, status=error.status)


async def _goes_wrong(host: Host, exchange: Exchange) -> bool:
    if not host.faults.on:
        return False
    fault = host.faults.strike(
        Kind.HANG,
        Kind.PS_HANG,
        Kind.STATUS,
        Kind.QUEUE_FULL,
        model=_model_of(exchange),
        path=exchange.path,
    )
    if fault is None:
        return False
    if fault.kind is Kind.STATUS:
        await exchange.answer({"error": fault.error}, status=fault.status)
    elif fault.kind is Kind.QUEUE_FULL:
        await exchange.answer({"error": BUSY}, status=503)
    else:
        await asyncio.Event().wait()
    return True


def _methods(path: str) -> dict[str, Handler] | None:
    folder, slash, name = path.rpartition("/")
    if name:
        return _ROUTES.get(path) or _NAMED_ROUTES.get(folder + slash)
    return _ROUTES.get(path)


def _methods_without_slash(path: str) -> dict[str, Handler]:
    return (_methods(path[:-1]) or {}) if path.endswith("/") else {}


def _model_of(exchange: Exchange) -> str | None:
    try:
        body = json.loads(exchange.body)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    named = body.get("model") or body.get("name")
    return named if isinstance(named, str) else None
