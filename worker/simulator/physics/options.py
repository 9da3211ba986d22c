"""Runner options: what a request asks for, under the server's own settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.simulator.physics.models import Capability, Model

_INTEGER = "integer"
_FLOAT = "float32"
_BOOLEAN = "boolean"
_ARRAY = "array"
_TYPES = {
    "num_ctx": _INTEGER,
    "num_batch": _INTEGER,
    "num_gpu": _INTEGER,
    "main_gpu": _INTEGER,
    "use_mmap": _BOOLEAN,
    "num_thread": _INTEGER,
    "draft_num_predict": _INTEGER,
    "num_keep": _INTEGER,
    "seed": _INTEGER,
    "num_predict": _INTEGER,
    "top_k": _INTEGER,
    "top_p": _FLOAT,
    "min_p": _FLOAT,
    "typical_p": _FLOAT,
    "repeat_last_n": _INTEGER,
    "temperature": _FLOAT,
    "repeat_penalty": _FLOAT,
    "presence_penalty": _FLOAT,
    "frequency_penalty": _FLOAT,
    "stop": _ARRAY,
}
_MIN_CONTEXT = 4
_MIN_VISION_CONTEXT = 2048
_EMBEDDING_BATCH = 2048
_DRAFT_TOKENS = 4


class WrongTypeError(ValueError):
    """An option of the wrong type; the message is that of Ollama's 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What the environment of an Ollama server decides.

    Source: `envconfig/config.go`; the defaults are those of 0.33 without a GPU.
    """

    keep_alive_s: float = 300.0
    max_loaded_models: int = 3
    max_queue: int = 512
    num_parallel: int = 1
    context_length: int = 0
    """`OLLAMA_CONTEXT_LENGTH`; 0 is unset, then the default context is automatic."""
    auto_context: int = 4096
    """The default context that the amount of VRAM decides."""
    gpu: bool = False
    legacy: bool = False
    """Compare options as servers up to 0.24 do, and list a model while it loads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """The options that a runner process is started with.

    Source: `api/types.go`, Runner and DefaultOptions.
    """

    num_ctx: int
    num_batch: int = 512
    num_gpu: int = -1
    main_gpu: int | None = None
    use_mmap: bool | None = None
    num_thread: int = 0
    draft_num_predict: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one request asks of its runner."""

    options: RunnerOptions
    num_ctx_auto: bool = False
    num_batch_auto: bool = False
    shift: bool = True
    num_predict: int = -1
    num_keep: int = 4


def want(
    model: Model,
    given: Mapping[str, object],
    *,
    settings: ServerSettings,
    shift: bool | None = None,
) -> Wanted:
    """Merge the defaults, the Modelfile's parameters and a request's options.

    Unknown options are ignored; null leaves an option as it was.

    Raises:
        WrongTypeError: for an option of the wrong type.

    Source: `server/routes.go`, scheduleRunner and modelOptions; `server/sched.go`,
    getRunner and resolveContextShift.
    """
    values = {**_checked(model.parameters), **_checked(given)}
    named = model.parameters.keys() | given.keys()
    num_ctx = values.get("num_ctx", settings.context_length or settings.auto_context)
    embedding_batch = Capability.EMBEDDING in model.capabilities and (
        "num_batch" not in named
    )
    if embedding_batch:
        values["num_batch"] = (
            min(_EMBEDDING_BATCH, num_ctx) if num_ctx > 0 else _EMBEDDING_BATCH
        )
    least = _MIN_CONTEXT
    if Capability.VISION in model.capabilities:
        least = _MIN_VISION_CONTEXT
    draft = _DRAFT_TOKENS if "draft_num_predict" in named else 0  # given as null
    main_gpu, use_mmap = values.get("main_gpu"), values.get("use_mmap")
    return Wanted(
        options=RunnerOptions(
            num_ctx=max(num_ctx, least),
            num_batch=values.get("num_batch", 512),
            num_gpu=values.get("num_gpu", -1),
            main_gpu=main_gpu,
            use_mmap=None if use_mmap is None else bool(use_mmap),
            num_thread=values.get("num_thread", 0),
            draft_num_predict=values.get("draft_num_predict", draft),
        ),
        num_ctx_auto="num_ctx" not in named and not settings.context_length,
        num_batch_auto="num_batch" not in named and not embedding_batch,
        shift=model.family != "deepseek2" if shift is None else shift,
        num_predict=values.get("num_predict", -1),
        num_keep=values.get("num_keep", 4),
    )


def _checked(given: Mapping[str, object]) -> dict[str, int]:
    values: dict[str, int] = {}
    for name, value in given.items():
        kind = _TYPES.get(name)
        if kind is None or value is None:
            continue
        match kind, value:
            case "boolean", bool():
                values[name] = value
            case "integer", float():
                values[name] = _int64(value)
            case "float32", float():
                pass
            case "array", list():
                if not all(isinstance(item, str) for item in value):
                    raise WrongTypeError(
                        f'option "{name}" must be of an array of strings'
                    )
            case _:
                raise WrongTypeError(f'option "{name}" must be of type {kind}')
    return values


def _int64(value: float) -> int:
    return int(value) if abs(value) < 2**63 else -(2**63)
