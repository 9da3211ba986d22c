"""The only reader of the environment: `OLLAMA_WARMUP_*` and `OLLAMA_HOST`."""

import ipaddress
import os
import re
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ollama_warmup import request
from ollama_warmup.errors import BadSettings

PREFIX = "OLLAMA_WARMUP_"
SECRET_PREFIX = PREFIX + "SECRET_"
"""Of the variables that a token may name; whatever else is behind it is theirs."""
SECRET = rf"\$\{{env\.({SECRET_PREFIX}[A-Z0-9_]+)\}}"
"""What stands for a secret in a configuration: `${env.OLLAMA_WARMUP_SECRET_NAME}`."""
WEB_TOKEN = PREFIX + "WEB_TOKEN"
"""The variable that holds the token itself; told to nobody, as those are."""
DEFAULT_HOST = "default"
"""The name of the host that `OLLAMA_HOST` alone means."""


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
    shown = _without_login(text)
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
    if scheme not in {"http", "https"}:
        raise ValueError(
            f"cannot read {shown!r}: write host, host:port or http(s)://host[:port]"
        )
    if _is_ip(rest) and ":" in rest:
        rest = f"[{rest}]"
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError as exc:
        raise ValueError(
            f"cannot read {shown!r} as a URL: write host, host:port or "
            "http(s)://host[:port]"
        ) from exc
    default = {"http": 80, "https": 443}[scheme] if mark else 11434
    host = parts.hostname or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - replaced, not bound
    host = f"[{host}]" if ":" in host else host
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"{scheme}://{login}{host}:{port or default}{parts.path.rstrip('/')}"


def _hosts(text: str) -> dict[str, str]:
    """Read `NAME=URL, NAME=URL`."""
    hosts: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, mark, url = (part.strip() for part in item.partition("="))
        if not mark or not request.HOST.fullmatch(name):
            raise ValueError(
                f"cannot read {_without_login(item)[:60]!r}: write NAME=URL, the name "
                "1 to 40 of a-z, 0-9 and -, such as gpu-1=http://10.0.0.5:11434"
            )
        if name in hosts:
            raise ValueError(f"host {name} is named twice: keep one")
        hosts[name] = host_url(url)
    return hosts


def _without_login(text: str) -> str:
    """Of what may be a URL, or have one in it, as messages show it."""
    return f"…@{text.rpartition('@')[2]}" if "@" in text else text


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _file(text: str | Path) -> Path | None:
    """An empty text is no file; one in the current folder, or below `~`, is found."""
    return Path(text).expanduser().absolute() if text else None


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss"}:
        raise ValueError(
            "write redis://host:port/db, or rediss:// for TLS; "
            "only Redis and Valkey are supported"
        )
    return text


def _web_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]*", token.get_secret_value()):
        raise ValueError("write it in ASCII, without spaces")
    return token


class WedgeCure(StrEnum):
    """Which residents may have to go for a wedged host to load again."""

    TARGETS = "targets"
    """Only those that the warm list wants, as they come back."""
    ANY = "any"
    """If there is none of these, another one."""
    OFF = "off"
    """A wedge is told, and left to people."""


class Settings(BaseSettings):
    """What this process was told, checked; read once, never changed."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,  # docs/configure.md is made of them
        hide_input_in_errors=True,  # tracebacks show the error behind `BadSettings`
    )

    ollama_host: Annotated[str, AfterValidator(host_url)] = Field(
        default="127.0.0.1:11434", validation_alias="OLLAMA_HOST", validate_default=True
    )
    """The Ollama server, as Ollama's own client writes it; the host `default`.

    Ignored beside `OLLAMA_WARMUP_HOSTS`."""
    named_hosts: Annotated[dict[str, str], NoDecode, BeforeValidator(_hosts)] = Field(
        default_factory=dict,
        validate_default=False,
        validation_alias=PREFIX + "HOSTS",
        examples=["gpu-1=http://10.0.0.5:11434, gpu-2=http://10.0.0.6:11434"],
    )
    """`NAME=URL, NAME=URL`: several servers by name, the first one first."""
    models: str = Field(
        default="", examples=["llama3:8b?num_ctx=8192&keep_alive=30m, nomic-embed-text"]
    )
    """`MODEL[?OPTION=VALUE&…], …`: what every host shall keep warm."""
    broker_url: Annotated[str, AfterValidator(_redis_url)] = "redis://127.0.0.1:6379/0"
    """Redis or Valkey: Celery's broker and results, and the leases."""
    namespace: str = Field(
        default="ollama-warmup", pattern=r"^[a-z0-9][a-z0-9-]{0,39}$"
    )
    """Prefix of every key in Redis: two systems on one Redis never meet."""

    load_ceiling_s: float = Field(default=1_800, ge=1, le=86_400)
    """Seconds after which a load that has not ended is given up."""
    enabled: bool = False
    """Whether passes and start-up act; else they observe and report only."""
    config: Annotated[Path | None, BeforeValidator(_file)] = None
    """Path of the warm list's file, which is read again when it changes.

    Without it, `OLLAMA_WARMUP_HOSTS` and `OLLAMA_WARMUP_MODELS` are the warm list."""
    tick_s: float = Field(default=10, ge=1, le=3_600)
    """Seconds between two passes."""
    visibility_s: int = Field(default=900, ge=20, le=86_400)
    """Seconds after which Redis gives the tasks of a dead worker to another one.

    A task waits for its load a third of it, the soft limit; then it queues anew."""
    wedge_cure: WedgeCure = WedgeCure.TARGETS
    """Which residents a wedged host may be cured by: `targets`, `any` or `off`."""
    health_file: Annotated[Path | None, BeforeValidator(_file)] = None
    """What a worker or beat touches while it does its work; one file a process."""
    web_token: Annotated[SecretStr, AfterValidator(_web_token)] = SecretStr("")
    """What who looks at the status page must know; beyond loopback it must be set."""

    def warnings(self) -> list[str]:
        """What is set and has no effect, as sentences."""
        if self.named_hosts and "ollama_host" in self.model_fields_set:
            return [
                "OLLAMA_HOST is ignored, because OLLAMA_WARMUP_HOSTS names the hosts"
            ]
        return []


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
        if variable.startswith(SECRET_PREFIX):
            continue
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


def secret(template: str) -> str:
    """What a token stands for; read anew at each use, and kept nowhere.

    Args:
        template: as `SECRET` has it.

    Raises:
        BadSettings: no such variable, or what it holds can be no token; it is not
            shown.
    """
    name = secret_name(template)
    value = os.environ.get(name, "").strip()
    if not value:
        raise BadSettings(
            f"{name} is not set, and a host's token is to be in it: set it for every "
            "process that talks to this host"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise BadSettings(
            f"{name} holds what can be no token: write it in ASCII, without spaces"
        )
    return value


def secret_name(template: str) -> str:
    """The variable that a token names.

    Raises:
        BadSettings: it names none, so it may be the secret itself; it is not shown.
    """
    found = re.fullmatch(SECRET, template)
    if found is None:
        raise BadSettings(
            f"write ${{env.{SECRET_PREFIX}NAME}} and set that variable: a token itself "
            "has no place in a configuration"
        )
    return found[1]
