"""Which model a request means, and what it says when there is none."""

import enum
from collections.abc import Iterable

from worker.simulator.errors import HttpError
from worker.simulator.gosyntax import quoted
from worker.simulator.host import Host
from worker.simulator.physics.models import Capability, Model
from worker.simulator.physics.names import (
    BadRefError,
    ConflictingSourceError,
    InvalidNameError,
    NoModelError,
    Ref,
    Source,
    parse_ref,
)

INVALID_NAME = "invalid model name"
NO_INFERENCE = "remote model is unavailable"
NO_DETAILS = "remote model details are unavailable"


class Endpoint(enum.Enum):
    """The inference endpoints, which word their refusals differently."""

    GENERATE = enum.auto()
    CHAT = enum.auto()
    EMBED = enum.auto()
    EMBEDDINGS = enum.auto()


def find_model(host: Host, text: str, *, endpoint: Endpoint) -> Model:
    """Find the model that an inference request means.

    (1) A name that cannot be read is refused, and so is none.
    (2) An explicit cloud model goes to the cloud.
    (3) The case of the name does not matter, but for `/api/embeddings`.
    (4) A stub of a cloud model goes there as well, unless `:local` was said.

    Raises:
        HttpError: when it cannot be served here.

    Source: the handlers in `server/routes.go`.
    """
    ref = _ref(text, endpoint)  # (1)
    if ref.source is Source.CLOUD:  # (2)
        raise cloud_error(host, NO_INFERENCE)
    name = ref.name
    if endpoint is not Endpoint.EMBEDDINGS:  # (3)
        name = host.library.spelled(name)
    model = host.library.find(name)
    if model is None or (model.remote and ref.source is Source.LOCAL):
        raise _unknown(text, endpoint)
    if model.remote:  # (4)
        raise cloud_error(host, NO_INFERENCE)
    return model


def cloud_error(host: Host, operation: str) -> HttpError:
    """What a server without the cloud says, or one that is not signed in."""
    if host.config.is_cloud_disabled:
        return HttpError(403, f"ollama cloud is disabled: {operation}")
    return HttpError(
        401, "unauthorized", signin_url="https://ollama.com/connect?name=simulator"
    )


def require(
    model: Model, asked: str, wanted: Iterable[Capability], *, verb: str
) -> None:
    """Insist on capabilities.

    Raises:
        HttpError: when the model lacks one.

    Source: `server/routes.go`, scheduleRunner; `server/images.go`,
    CheckCapabilities.
    """
    missing = [each for each in wanted if each not in model.capabilities]
    if Capability.COMPLETION in missing:
        raise HttpError(400, f"{quoted(asked)} does not support {verb}")
    if missing:
        lacks = "\n".join(missing)
        raise HttpError(400, f"{model.name.full} does not support {lacks}")


def _ref(text: str, endpoint: Endpoint) -> Ref:
    try:
        return parse_ref(text)
    except ConflictingSourceError as error:
        raise HttpError(400, str(error)) from error
    except InvalidNameError as error:
        raise HttpError(400, INVALID_NAME) from error
    except (NoModelError, BadRefError) as error:
        if endpoint in (Endpoint.CHAT, Endpoint.EMBEDDINGS):
            raise HttpError(400, "model is required") from error
        raise HttpError(404, f"model '{text}' not found") from error


def _unknown(text: str, endpoint: Endpoint) -> HttpError:
    if endpoint in (Endpoint.EMBED, Endpoint.EMBEDDINGS):
        return HttpError(404, f"model {quoted(text)} not found, try pulling it first")
    return HttpError(404, f"model '{text}' not found")
