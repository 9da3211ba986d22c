"""A warm-up request: which model, with which runner options, for how long.

Written as text, `llama3:8b?num_ctx=8192&keep_alive=30m`, by publishers and
people; one parser for publisher and worker, so that both refuse the same.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl

from ollama_warmup import durations, names
from ollama_warmup.errors import BadRequest

LONGEST = 1_000
"""Characters of a request; a name with every option stays far below."""

SAMPLING = frozenset(
    {
        "frequency_penalty",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "num_keep",
        "num_predict",
        "penalize_newline",
        "presence_penalty",
        "repeat_last_n",
        "repeat_penalty",
        "seed",
        "stop",
        "temperature",
        "tfs_z",
        "top_k",
        "top_p",
        "typical_p",
    }
)
"""Options of one answer; they never decide which runner serves it.

Source: Ollama api/types.go, `Options` less `Runner`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """The options that decide which runner serves a request; None = not sent.

    Another value than the loaded one's makes Ollama reload the model (source:
    `needsReload`, server/sched.go), so send exactly what the application sends.
    """

    num_ctx: int | None = None
    """Context length, tokens, >= 4."""
    num_batch: int | None = None
    """Prompt tokens a step, >= 1."""
    num_gpu: int | None = None
    """Layers on the GPU, >= -1 (-1 = Ollama decides)."""
    main_gpu: int | None = None
    """Index of the main GPU, >= 0."""
    num_thread: int | None = None
    """CPU threads, >= 0 (0 = Ollama decides)."""
    draft_num_predict: int | None = None
    """Tokens that a draft model proposes, >= 0."""
    use_mmap: bool | None = None
    """Whether weights are memory-mapped."""
    shift: bool | None = None
    """Whether a full context is shifted; a field of the request, not an option."""

    def given(self) -> dict[str, int | bool]:
        """The options that are set, by name."""
        pairs = ((f.name, getattr(self, f.name)) for f in dataclasses.fields(self))
        return {name: value for name, value in pairs if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmupRequest:
    """One valid request to make a model warm."""

    model: str
    """The name as the caller wrote it."""
    name: names.Name
    options: RunnerOptions
    keep_alive_s: float | None
    """Seconds to stay loaded after the last use; None = the server's own.

    `math.inf` = for ever."""
    host: str | None
    """The name of a configured host; None = the default resolution."""
    is_bare: bool = True
    """Whether it names a model and nothing else."""
    dropped: tuple[str, ...] = ()
    """Sampling options that were given and mean nothing to a warm-up."""


MINIMUM = {
    "num_ctx": 4,
    "num_batch": 1,
    "num_gpu": -1,
    "main_gpu": 0,
    "num_thread": 0,
    "draft_num_predict": 0,
}
"""The least value of each runner option that is a number."""
LARGEST = 2**31 - 1
"""The largest value of them all."""
BOOLEANS = frozenset({"use_mmap", "shift"})
"""The other runner options."""
KEEP_ALIVE = ("keep_alive", "keep_alive_forever")
"""How long it stays; the second one allows -1 for the first."""
HOST = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
"""A host's name in the configuration."""


def parse(text: str, *, host: str | None = None) -> WarmupRequest:
    """Read `MODEL[?OPTION=VALUE&…&keep_alive=DURATION]`.

    Args:
        text: at most `LONGEST` characters.
        host: a host's name, or None.

    Raises:
        BadRequest: anything is wrong; the message names the value and the way out.
    """
    if not isinstance(text, str):
        raise BadRequest(
            f"the model must be text such as 'llama3:8b', not {type(text).__name__}"
        )
    if len(text) > LONGEST:
        raise BadRequest(
            f"the request has {len(text)} characters, {LONGEST} are allowed: "
            f"{text[:60]!r}…"
        )
    model, given = split(text)
    return WarmupRequest(
        model=model,
        name=names.parse_loadable(model),
        options=RunnerOptions(
            **options({k: v for k, v in given.items() if k not in KEEP_ALIVE})
        ),
        keep_alive_s=keep_alive_s(given),
        host=_host(host),
        is_bare=not given,
        dropped=tuple(sorted(SAMPLING & given.keys())),
    )


def split(text: str) -> tuple[str, dict[str, str]]:
    """The model as it is written, and each option's text by its key; unchecked.

    Raises:
        BadRequest: behind the `?` are no options, or one twice.
    """
    model, mark, query = (part.strip() for part in text.partition("?"))
    if not mark:
        return model, {}
    try:
        pairs = parse_qsl(query or "?", keep_blank_values=True, strict_parsing=True)
    except ValueError as exc:
        raise BadRequest(
            f"cannot read the options of {text!r}: write "
            "MODEL?OPTION=VALUE&OPTION=VALUE such as llama3:8b?num_ctx=8192"
        ) from exc
    given = dict(pairs)
    if len(given) < len(pairs):
        twice = sorted({k for k, _ in pairs if [p[0] for p in pairs].count(k) > 1})
        raise BadRequest(
            f"option {twice[0][:40]!r} is given twice in {text!r}: keep one"
        )
    return model, given


def options(given: Mapping[str, str]) -> dict[str, Any]:
    """The runner options in what is given; sampling options are left out.

    Args:
        given: each option's text by its key, without `KEEP_ALIVE`.

    Raises:
        BadRequest: an unknown option, or a wrong value.
    """
    read: dict[str, Any] = {}
    for key, value in given.items():
        if key in BOOLEANS:
            read[key] = _boolean(key, value)
        elif key in MINIMUM:
            read[key] = _integer(key, value)
        elif key not in SAMPLING:
            raise BadRequest(_unknown(key))
    return read


def keep_alive_s(given: Mapping[str, str]) -> float | None:
    """The keep-alive in what is given, seconds; None = none, `math.inf` = for ever.

    Args:
        given: texts by their keys; all but `KEEP_ALIVE` is passed over.

    Raises:
        BadRequest: no duration that keeps a model warm, or -1 that is not meant.
    """
    forever = _boolean(KEEP_ALIVE[1], given.get(KEEP_ALIVE[1], "false"))
    if KEEP_ALIVE[0] in given:
        return durations.parse_keep_alive(given[KEEP_ALIVE[0]], forever=forever)
    if forever:
        raise BadRequest(
            "keep_alive_forever says nothing alone: write keep_alive -1 beside it, or "
            "leave it out"
        )
    return None


def _boolean(key: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise BadRequest(f"{key}={value[:40]!r}: write {key}=true or {key}=false")
    return value == "true"


def _integer(key: str, value: str) -> int:
    low = MINIMUM[key]
    if re.fullmatch(r"-?[0-9]{1,10}", value) and low <= int(value) <= LARGEST:
        return int(value)
    raise BadRequest(
        f"{key}={value[:40]!r}: write a whole number from {low} to {LARGEST}"
    )


def _unknown(key: str) -> str:
    known = sorted({*MINIMUM, *BOOLEANS, *KEEP_ALIVE})
    near = get_close_matches(key.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return f"unknown option {key[:40]!r} (Ollama would ignore it silently): {hint}"


def _host(host: str | None) -> str | None:
    if host is None:
        return None
    if not isinstance(host, str) or not HOST.fullmatch(host):
        raise BadRequest(
            f"host {str(host)[:60]!r} is no host name of the configuration: "
            "write 1 to 40 of a-z, 0-9 and -"
        )
    return host
