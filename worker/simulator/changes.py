"""Requests that change what a server has: pull, copy, create and delete."""

import asyncio

from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange
from worker.simulator.faults import Kind
from worker.simulator.gofields import boolean, mapping, string, strings
from worker.simulator.gojson import Decoded, Struct, decode
from worker.simulator.gosyntax import quoted
from worker.simulator.host import Host
from worker.simulator.lookup import INVALID_NAME
from worker.simulator.physics.models import MANIFESTS, Model
from worker.simulator.physics.names import (
    BadRefError,
    ConflictingSourceError,
    InvalidNameError,
    Name,
    Ref,
    parse_name,
    parse_ref,
)

_TICK_S = 0.06
"""Between two words on how far a download is; `server/download.go`, Wait."""

_TRANSFER = {
    "model": string,
    "insecure": boolean,
    "username": string,
    "password": string,
    "stream": boolean,
    "name": string,
}
_PULL = Struct("PullRequest", _TRANSFER, package="api")
_PUSH = Struct("PushRequest", _TRANSFER, package="api")
_COPY = Struct("CopyRequest", {"source": string, "destination": string}, package="api")
_DELETE = Struct("DeleteRequest", {"model": string, "name": string}, package="api")
_CREATE = Struct(
    "CreateRequest",
    {
        "model": string,
        "stream": boolean,
        "from": string,
        "files": strings,
        "template": string,
        "system": string,
        "parameters": mapping,
        "name": string,
    },
    package="api",
)


class _Progress:
    """Tells how far a long request is: line by line, or only at its end."""

    def __init__(self, exchange: Exchange, request: Decoded) -> None:
        self._exchange = exchange
        self._streams = request.get("stream", True)
        exchange.has_charset = False

    async def tell(self, status: str, **fields: object) -> None:
        if self._streams:
            await self._exchange.line({"status": status, **fields})

    async def end(self) -> None:
        if self._streams:
            await self._exchange.line({"status": "success"})
            await self._exchange.end()
        else:
            await self._exchange.answer({"status": "success"})


async def pull(host: Host, exchange: Exchange) -> None:
    """Answer `/api/pull`: install what the registry offers.

    Source: `server/routes.go`, PullHandler; `server/images.go`, PullModel.
    """
    request = decode(exchange.body, _PULL)
    try:
        ref = parse_ref(_model_of(request), for_pull=True)
    except ConflictingSourceError as error:
        raise HttpError(400, str(error)) from error
    except BadRefError as error:
        raise HttpError(400, INVALID_NAME) from error
    progress = _Progress(exchange, request)
    await _download(host, host.library.spelled(ref.name), progress)
    await progress.end()


async def push(host: Host, exchange: Exchange) -> None:
    """Answer `/api/push`: it finds no model, or is not supported.

    Source: `server/routes.go`, PushHandler; `server/images.go`, PushModel.
    """
    request = decode(exchange.body, _PUSH)
    if not _model_of(request):
        raise HttpError(400, "model is required")
    progress = _Progress(exchange, request)
    name = host.library.spelled(parse_name(_model_of(request)))
    if not name.is_valid:
        raise HttpError(500, f"unqualified name: {name.full}")
    await progress.tell("retrieving manifest")
    if host.library.find(name):
        raise HttpError(500, "the simulator does not push")
    await progress.tell("couldn't retrieve manifest")
    path = f"{MANIFESTS}/{name.host}/{name.namespace}/{name.model}/{name.tag}"
    raise HttpError(500, f"open {path}: no such file or directory")


async def copy(host: Host, exchange: Exchange) -> None:
    """Answer `/api/copy`: another name for the same model.

    Source: `server/routes.go`, CopyHandler.
    """
    request = decode(exchange.body, _COPY)
    names = []
    for role in ("source", "destination"):
        given = str(request.get(role, ""))
        name = parse_name(given)
        if not name.is_valid:
            raise HttpError(400, f"{role} {quoted(given)} is invalid")
        names.append(host.library.spelled(name))
    if not host.library.copy(*names, now=host.clock.now()):
        source = quoted(str(request.get("source", "")))
        raise HttpError(404, f"model {source} not found")
    await exchange.empty()


async def create(host: Host, exchange: Exchange) -> None:
    """Answer `/api/create`: a model from another one and parameters.

    A base that is not installed is pulled first. Files are not supported.

    Source: `server/create.go`.
    """
    request = decode(exchange.body, _CREATE)
    name = parse_name(_model_of(request))
    if not name.is_valid:
        raise HttpError(400, INVALID_NAME)
    progress = _Progress(exchange, request)
    base = await _base(host, request, progress)
    parameters = request.get("parameters", {})
    model = host.library.create(
        host.library.spelled(name),
        base,
        parameters=parameters if isinstance(parameters, dict) else {},
        system=str(request.get("system", "")),
        now=host.clock.now(),
    )
    await progress.tell(f"using existing layer sha256:{model.weights.digest}")
    await progress.tell("writing manifest")
    await progress.end()


async def delete(host: Host, exchange: Exchange) -> None:
    """Answer `/api/delete`; a runner of the model goes on.

    Source: `server/routes.go`, DeleteHandler.
    """
    request = decode(exchange.body, _DELETE)
    asked = _model_of(request)
    try:
        ref = parse_ref(asked, for_pull=True)
    except InvalidNameError as error:
        raise HttpError(400, f"name {quoted(asked)} is invalid") from error
    except BadRefError as error:
        raise HttpError(400, str(error)) from error
    if not host.library.delete(host.library.spelled(ref.name)):
        raise HttpError(404, f"model '{asked}' not found")
    await exchange.empty()


async def _base(host: Host, request: Decoded, progress: _Progress) -> Model:
    given = request.get("from")
    if not given:
        if "files" in request:
            raise HttpError(400, "the simulator creates models from models only")
        raise HttpError(400, "neither 'from' or 'files' was specified")
    try:
        ref: Ref = parse_ref(str(given))
    except BadRefError as error:
        raise HttpError(400, INVALID_NAME) from error
    model = host.library.find(ref.name)
    if model is None:
        model = await _download(host, ref.name, progress)
    return model


async def _download(host: Host, name: Name, progress: _Progress) -> Model:
    await progress.tell("pulling manifest")
    if not host.library.is_online:
        address = f"{name.host}/v2/{name.namespace}/{name.model}/manifests/{name.tag}"
        raise HttpError(
            500,
            f'pull model manifest: Get "https://{address}": dial tcp: lookup '
            f"{name.host}: no such host",
        )
    model = host.library.offered(name)
    if model is None:
        raise HttpError(500, "pull model manifest: file does not exist")
    if host.library.has_weights(model):
        await _tell_weights(progress, model, completed=model.weights.size_bytes)
    else:
        await _fetch(host, model, progress)
    await progress.tell("verifying sha256 digest")
    await progress.tell("writing manifest")
    host.library.pull(model, now=host.clock.now())
    host.downloads.end(model.weights)
    return model


async def _fetch(host: Host, model: Model, progress: _Progress) -> None:
    """Download the weights; a caller who hangs up leaves what is there.

    Source: `server/download.go`, Wait.
    """
    weights, completed = model.weights, 0
    host.downloads.join(weights, now=host.clock.now())
    try:
        while completed < weights.size_bytes:
            await asyncio.sleep(_TICK_S / host.clock.speed)
            if host.library.has_weights(model):  # another request has brought them
                return
            completed = host.downloads.completed(weights, now=host.clock.now())
            await _tell_weights(progress, model, completed=completed)
            if host.faults.strike(Kind.DISK_FULL, model=model.name.full):
                text = f"write {weights.path}-partial: no space left on device"
                raise HttpError(500, text)
    finally:
        host.downloads.leave(weights, now=host.clock.now())


async def _tell_weights(progress: _Progress, model: Model, *, completed: int) -> None:
    digest = model.weights.digest
    await progress.tell(
        f"pulling {digest[:12]}",
        digest=f"sha256:{digest}",
        total=model.weights.size_bytes,
        **({"completed": completed} if completed else {}),
    )


def _model_of(request: Decoded) -> str:
    return str(request.get("model") or request.get("name") or "")
