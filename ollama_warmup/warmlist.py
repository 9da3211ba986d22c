"""The only reader of the warm list: what is wanted, as targets."""

from ollama_warmup import request
from ollama_warmup.errors import BadRequest, BadSettings
from ollama_warmup.settings import Settings
from ollama_warmup.target import Target


def read(settings: Settings) -> tuple[Target, ...]:
    """Read `OLLAMA_WARMUP_MODELS`: each host wants each model.

    Returns:
        The targets, hosts in their order and models in theirs; may be empty.

    Raises:
        BadSettings: a model that is written wrong or twice; the message names it.
    """
    wanted: dict[str, request.WarmupRequest] = {}
    for item in filter(None, (part.strip() for part in settings.models.split(","))):
        try:
            model = request.parse(item)
        except BadRequest as exc:
            raise BadSettings(f"OLLAMA_WARMUP_MODELS: {exc}") from exc
        if model.name.normal in wanted:
            raise BadSettings(
                f"OLLAMA_WARMUP_MODELS: {model.name.short} is named twice; one runner "
                "serves one set of options, so keep one"
            )
        wanted[model.name.normal] = model
    return tuple(
        Target.of(model, host=host)
        for host in settings.hosts
        for model in wanted.values()
    )
