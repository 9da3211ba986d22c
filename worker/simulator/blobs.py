"""`/api/blobs`: which blobs there are; uploads are checked and forgotten."""

import hashlib
import re
from http import HTTPStatus

from worker.simulator.errors import HttpError
from worker.simulator.exchange import Exchange
from worker.simulator.gosyntax import quoted
from worker.simulator.host import Host

PREFIX = "/api/blobs/"
_DIGEST = re.compile(r"sha256[:-][0-9a-fA-F]{64}\Z")


async def head(host: Host, exchange: Exchange) -> None:
    """Answer HEAD.

    Source: `server/routes.go`, HeadBlobHandler.
    """
    digest = _digest(exchange)
    if not _is_there(host, digest):
        raise HttpError(404, f"blob {quoted(digest)} not found")
    await exchange.empty()


async def create(host: Host, exchange: Exchange) -> None:
    """Answer POST.

    Source: `server/routes.go`, CreateBlobHandler.
    """
    digest = _digest(exchange)
    if _is_there(host, digest):
        await exchange.empty()
        return
    got = f"sha256:{hashlib.sha256(exchange.body).hexdigest()}"
    if got != digest:
        told = f"expected {quoted(digest)}, got {quoted(got)}"
        raise HttpError(400, f"digest mismatch, {told}")
    await exchange.empty(status=HTTPStatus.CREATED)


def _digest(exchange: Exchange) -> str:
    """Read the digest in the path.

    Source: `manifest/paths.go`, BlobsPath.
    """
    digest = exchange.path.removeprefix(PREFIX)
    if not _DIGEST.match(digest):
        raise HttpError(400, "invalid digest format")
    return digest


def _is_there(host: Host, digest: str) -> bool:
    return digest[7:] in {model.weights.digest for model in host.library.models}
