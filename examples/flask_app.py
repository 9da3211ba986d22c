"""A Flask application with warm models: `flask --app examples/flask_app.py run`."""

import asyncio
import logging

from flask import Flask, request
from flask.typing import ResponseReturnValue

from ollama_warmup import readiness, start_in_background, warmup
from ollama_warmup.errors import Permanent, WarmupError

logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")

app = Flask(__name__)
start_in_background()


@app.post("/warmup")
def warm() -> ResponseReturnValue:
    """Have a model warmed, and do not wait for it."""
    return {"sent": warmup.delay(request.args.get("model", "")).id}, 202


@app.get("/health")
def health() -> ResponseReturnValue:
    """Tell whether users would wait; what is cold is warmed."""
    state = asyncio.run(readiness(request.args.get("model")))
    return state.as_json(), state.status, state.headers()


@app.errorhandler(WarmupError)
def explain(error: WarmupError) -> ResponseReturnValue:
    """Answer with the error's own sentence."""
    status = 400 if isinstance(error, Permanent) else 503
    return {"error": type(error).__name__, "detail": str(error)}, status
