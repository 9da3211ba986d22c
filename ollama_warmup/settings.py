"""The only reader of the environment: `OLLAMA_WARMUP_*` and `OLLAMA_HOST`."""

import ipaddress
import os
from difflib import get_close_matches
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ollama_warmup.errors import BadSettings

PREFIX = "OLLAMA_WARMUP_"


def host_url(text: str) -> str:
    """Turn a value of `OLLAMA_HOST` into the URL to connect to.

    Takes what Ollama takes: empty, `host`, `host:port`, `[v6]:port`,
    `http(s)://host[:port][/path]`. The default port is 11434, with a scheme
    80 or 443; addresses to bind to (`0.0.0.0`, `::`) become loopback.
    Source: Ollama envconfig/config.go, `Host` and `ConnectableHost`, at 0.33.
    Where Ollama falls back silently on an invalid port, this refuses.

    Raises:
        ValueError: no host, or a port that is none.
    """
    text = text.strip().strip("\"'")
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
    if scheme not in {"http", "https"}:
        raise ValueError(
            f"cannot read {text!r}: write host, host:port or http(s)://host[:port]"
        )
    if _is_ip(rest) and ":" in rest:
        rest = f"[{rest}]"
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError as exc:
        raise ValueError(
            f"cannot read {text!r} ({exc}): write host, host:port or "
            "http(s)://host[:port]"
        ) from exc
    default = {"http": 80, "https": 443}[scheme] if mark else 11434
    host = parts.hostname or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - replaced, not bound
    host = f"[{host}]" if ":" in host else host
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"{scheme}://{login}{host}:{port or default}{parts.path.rstrip('/')}"


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss"}:
        raise ValueError(
            "write redis://host:port/db, or rediss:// for TLS; "
            "only Redis and Valkey are supported"
        )
    return text


class Settings(BaseSettings):
    """What this process was told, checked; read once, never changed."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, populate_by_name=True
    )

    ollama_host: Annotated[str, AfterValidator(host_url)] = Field(
        default="127.0.0.1:11434", validation_alias="OLLAMA_HOST", validate_default=True
    )
    """The Ollama server, as Ollama's own client writes it; the host `default`."""
    broker_url: Annotated[str, AfterValidator(_redis_url)] = "redis://127.0.0.1:6379/0"
    """Redis or Valkey: Celery's broker and results, and the leases."""
    namespace: str = Field(
        default="ollama-warmup", pattern=r"^[a-z0-9][a-z0-9-]{0,39}$"
    )
    """Prefix of every key in Redis: two systems on one Redis never meet."""

    @property
    def hosts(self) -> dict[str, str]:
        """The URL of each configured host, by its name, in order."""
        return {"default": self.ollama_host}


def read() -> Settings:
    """Read settings, and refuse what would be ignored silently otherwise.

    Raises:
        BadSettings: an unknown `OLLAMA_WARMUP_*` variable, or a wrong value.
    """
    known = sorted(
        str(field.validation_alias or PREFIX + name.upper())
        for name, field in Settings.model_fields.items()
    )
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in known:
            near = get_close_matches(variable, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise BadSettings(f"unknown variable {variable}: {hint}")
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        field = str(first["loc"][0])
        variable = field if field in known else PREFIX + field.upper()
        complaint = first["msg"].removeprefix("Value error, ")
        raise BadSettings(f"{variable}: {complaint}") from exc


@cache
def current() -> Settings:
    """The settings of this process, read at the first call."""
    return read()
