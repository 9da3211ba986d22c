"""`/api/embed` and the older `/api/embeddings`."""

from http import HTTPStatus

from worker.simulator.answers import Metrics, vector
from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange
from worker.simulator.host import Host
from worker.simulator.lookup import Endpoint, find_model
from worker.simulator.physics.models import Capability, Model
from worker.simulator.physics.runner import Inference
from worker.simulator.prompts import prompt_tokens
from worker.simulator.requests import Embed, read_embed, read_embedding
from worker.simulator.work import Writer, wanted_of

_NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"


async def embed(host: Host, exchange: Exchange) -> None:
    """Answer `/api/embed`."""
    await serve_embed(host, exchange, read_embed(exchange.body))


async def serve_embed(host: Host, writer: Writer, request: Embed) -> None:
    """Load any model; embed with those that can.

    (1) No input loads, whatever the model can do.
    (2) A text that only fits when cut is refused if it may not be cut.
    (3) A model that does not embed waits for its slot, then refuses; up to 0.24
        it embeds.

    Source: `server/routes.go`, EmbedHandler; measured on 0.33.
    """
    model = _found(host, request)
    inputs = _inputs(request.input)
    arrived_at = host.clock.now()
    wanted = wanted_of(host, model, request.options)
    embeds = Capability.EMBEDDING in model.capabilities or host.is_legacy
    prompts = len(inputs) if embeds else 0
    async with host.session(
        model,
        wanted,
        keep_alive_s=request.keep_alive_s,
        inference=Inference(tokens=0, prompts=prompts) if inputs else None,
    ) as session:
        granted_at = await session.granted()
        if not inputs:  # (1)
            await writer.answer({"model": request.model, "embeddings": []})
            return
        context = min(wanted.options.num_ctx, model.weights.train_context)
        if not request.truncate and any(prompt_tokens(t) > context for t in inputs):
            raise HttpError(400, "the input length exceeds the context length")  # (2)
        finished_at = await session.finished()
        if not embeds:  # (3)
            raise HttpError(501, _NO_EMBEDDINGS)
    metrics = Metrics(
        total_s=finished_at - arrived_at,
        load_s=granted_at - arrived_at,
        prompt_tokens=sum(prompt_tokens(text) for text in inputs),
        prompt_s=0,
        tokens=0,
        token_s=0,
    ).as_json()
    del metrics["prompt_eval_duration"]
    length = request.dimensions or model.weights.embedding_length
    vectors = [
        vector(text, min(length, model.weights.embedding_length)) for text in inputs
    ]
    await writer.answer({"model": request.model, "embeddings": vectors, **metrics})


async def embeddings(host: Host, exchange: Exchange) -> None:
    """Answer `/api/embeddings`: one text, and no more than its vector.

    Source: `server/routes.go`, EmbeddingsHandler.
    """
    request = read_embedding(exchange.body)
    model = find_model(host, request.model, endpoint=Endpoint.EMBEDDINGS)
    text = str(request.input)
    embeds = Capability.EMBEDDING in model.capabilities or host.is_legacy
    async with host.session(
        model,
        wanted_of(host, model, request.options),
        keep_alive_s=request.keep_alive_s,
        inference=Inference(tokens=0, prompts=int(embeds)) if text else None,
    ) as session:
        await session.granted()
        if text:
            await session.finished()
            if not embeds:
                raise HttpError(500, _NO_EMBEDDINGS)
        values = vector(text, model.weights.embedding_length) if text else []
        await exchange.answer({"embedding": values})


def _found(host: Host, request: Embed) -> Model:
    """Check the name, then the input, then whether there is such a model."""
    try:
        return find_model(host, request.model, endpoint=Endpoint.EMBED)
    except HttpError as error:
        if error.status == HTTPStatus.NOT_FOUND and request.model.strip():
            _inputs(request.input)
        raise


def _inputs(given: object) -> list[str]:
    if given is None or given == "":
        return []
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise HttpError(400, "invalid input type")
    return texts
