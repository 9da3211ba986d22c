"""The application: `uvicorn --app-dir examples/fastapi_app app.main:app`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from app.integrations.ollama_container import generate, warmup_ollama_model
from app.settings import settings
from ollama_warmup import readiness, warmup_lifespan
from ollama_warmup.errors import (
    BadRequest,
    Breaker,
    InUse,
    OllamaBusy,
    StoreUnavailable,
    Transient,
    UnknownHost,
    UnknownModel,
    WarmupError,
    WarmupTimeout,
)

logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")

STATUS: dict[type, int] = {
    BadRequest: 422,
    UnknownHost: 404,
    UnknownModel: 404,
    InUse: 409,
    OllamaBusy: 503,
    StoreUnavailable: 503,
    Breaker: 503,
    WarmupTimeout: 504,
    Transient: 502,
    WarmupError: 500,
}
"""The most special class counts."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start warming, and hold one client for all requests."""
    async with (
        warmup_lifespan(app, enabled=settings.OLLAMA_WARMUP_ENABLED),
        httpx.AsyncClient(timeout=300) as app.state.ollama,
    ):
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/ask")
async def ask(prompt: str) -> dict[str, str]:
    """Ask the model: within a second or two, as it is warm."""
    return {"answer": await generate(app.state.ollama, settings.OLLAMA_MODEL, prompt)}


@app.post("/warmup")
async def warm(model: str, timeout_s: float = 330) -> dict[str, Any]:
    """Have a model warmed now, and wait for it."""
    return await warmup_ollama_model(model, timeout_s=timeout_s)


@app.get("/health")
async def health(model: str | None = None) -> JSONResponse:
    """Tell whether users would wait; what is cold is warmed."""
    state = await readiness(model)
    return JSONResponse(state.as_json(), state.status, state.headers())


@app.exception_handler(WarmupError)
async def explain(_request: Request, error: WarmupError) -> JSONResponse:
    """Answer with the error's own sentence."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return JSONResponse({"error": type(error).__name__, "detail": str(error)}, status)
