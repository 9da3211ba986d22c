"""The Ollama that the application asks, and how to have a model warm there."""

import httpx

from ollama_warmup import warmlist, warmup_ollama_model
from ollama_warmup.request import parse
from ollama_warmup.target import resolve

__all__ = ["generate", "warmup_ollama_model"]


async def generate(
    client: httpx.AsyncClient, model: str, prompt: str, *, max_tokens: int = 256
) -> str:
    """Answer a prompt, with just the runner options that are kept warm.

    With others Ollama would load the model again, before this answer and before
    the next one. `num_predict` is none of them: it may be what it likes.
    """
    known = warmlist.current()
    target = resolve(parse(model), hosts=known.hosts, wanted=known.targets).target
    options = target.options.given()
    shift = options.pop("shift", None)  # a field of the request, not an option
    body: dict[str, object] = {
        "model": model,
        "prompt": prompt,
        "options": options | {"num_predict": max_tokens},
        "stream": False,
    }
    if shift is not None:
        body["shift"] = shift
    answer = await client.post(
        f"{known.hosts[target.host].url}/api/generate", json=body
    )
    answer.raise_for_status()
    return str(answer.json()["response"])
