"""The routes of the service; `worker.web.gate` says who may ask them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from ollama_warmup import aio, publish, request, verdict
from ollama_warmup.errors import BadRequest, StoreUnavailable, UnknownHost, WarmupError
from worker.metrics import CONTENT_TYPE
from worker.web.board import Board
from worker.web.gate import Door, Gate
from worker.web.shapes import Paused, Status
from worker.web.status import Looked

STATIC = Path(__file__).parent / "static"
LARGEST_BYTES = 10_000
"""Of a request's body."""
LARGEST_FIND = 200
"""Characters that are looked for."""
MOST = 500
"""Targets of one answer."""
_STATUSES: dict[type[WarmupError], HTTPStatus] = {
    BadRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownHost: HTTPStatus.UNPROCESSABLE_ENTITY,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

router = APIRouter()


def _board(request: Request) -> Board:
    board: Board = request.app.state.board
    return board


OurBoard = Annotated[Board, Depends(_board)]


class Body(BaseModel):
    """JSON that is sent; every other key is an error."""

    model_config = ConfigDict(extra="forbid")


class Order(Body):
    """A warm-up that is asked for."""

    model: Annotated[str, Field(examples=["llama3:8b?num_ctx=8192&keep_alive=30m"])]
    host: Annotated[str | None, Field(examples=["gpu-1"])] = None


class Sent(BaseModel):
    """A warm-up that is sent."""

    id: str
    """Of the task `ollama.warmup`, whose result is kept for an hour."""


class Name(Body):
    """A host, a model on all hosts, or `*`."""

    name: str = Field(max_length=request.LONGEST)


class PausedNow(BaseModel):
    """What passes leave alone."""

    paused: list[Paused]


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Tell that this process serves; asks nobody."""
    return {"status": "ok"}


@router.get("/readyz", responses={404: {}, 503: {}})
async def readyz(
    board: OurBoard, model: Annotated[str | None, Query(max_length=1_000)] = None
) -> Response:
    """Tell whether the critical targets are warm, or one model on any host.

    What is cold is sent to be warmed, once a minute however many ask.
    """
    state = await board.readiness(model)
    return JSONResponse(state.as_json(), state.status, state.headers())


@router.get("/status")
async def status(
    board: OurBoard,
    find: Annotated[str, Query(max_length=LARGEST_FIND)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Status:
    """Tell all that the page shows: of the hosts and targets that hold each word."""
    return await board.status(Looked(find=find.strip().lower(), limit=limit))


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(board: OurBoard) -> Response:
    """Tell Prometheus what is warm, and what was counted."""
    return Response(await board.metrics(), media_type=CONTENT_TYPE)


@router.post("/warmup", status_code=HTTPStatus.ACCEPTED)
async def warmup(order: Order) -> Sent:
    """Send a warm-up, and wait for nothing."""
    sent = await aio.off_the_loop(publish.warmup.delay, order.model, order.host)
    return Sent(id=sent.id)


@router.post("/pause")
async def pause(board: OurBoard, name: Name) -> PausedNow:
    """Have passes leave it alone until it is resumed."""
    return PausedNow(paused=await aio.off_the_loop(board.pause, name.name))


@router.post("/resume")
async def resume(board: OurBoard, name: Name) -> PausedNow:
    """Take a pause back."""
    return PausedNow(paused=await aio.off_the_loop(board.resume, name.name))


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The status page."""
    return FileResponse(STATIC / "index.html")


def make(board: Board, *, door: Door) -> FastAPI:
    """The service.

    Args:
        board: what it reads; closed when the service ends.
        door: who may ask.
    """

    @asynccontextmanager
    async def closing(_app: FastAPI) -> AsyncIterator[None]:
        yield
        board.close()

    app = FastAPI(
        title="ollama-warmup",
        summary="How warm the models of Ollama servers are.",
        version=version("ollama-warmup"),
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=closing,
        max_body_size=LARGEST_BYTES,
    )
    app.state.board = board
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(WarmupError, _explain)
    app.add_exception_handler(RequestValidationError, _explain_form)
    app.add_middleware(Gate, door=door)
    return app


async def _explain(_request: Request, error: Exception) -> Response:
    """Answer with the error's own sentence."""
    kinds = (kind for kind in type(error).__mro__ if kind in _STATUSES)
    code = _STATUSES.get(next(kinds, WarmupError), HTTPStatus.INTERNAL_SERVER_ERROR)
    wait = {"Retry-After": str(verdict.PAUSE_S)}
    headers = wait if code is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return _error(type(error).__name__, str(error), code, headers)


async def _explain_form(_request: Request, error: Exception) -> Response:
    """Say what is wrong with a request, without repeating what was sent."""
    sentences = ["the request cannot be read"]
    if isinstance(error, RequestValidationError):
        sentences = [
            f"{'.'.join(str(part) for part in one['loc'][1:])[:100]}: {one['msg']}"
            for one in error.errors()[:3]
        ]
    code = HTTPStatus.UNPROCESSABLE_ENTITY
    return _error("BadRequest", "; ".join(sentences), code, {})


def _error(kind: str, told: str, code: int, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": kind, "detail": told}, code, headers)
