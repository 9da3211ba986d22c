"""What `ollama-warmup simulate` does: read its flags, listen, end on a signal."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from worker.simulator.catalog import VERSION
from worker.simulator.host import HostConfig
from worker.simulator.physics.keepalive import BadDurationError, server_keep_alive_s
from worker.simulator.physics.options import ServerSettings
from worker.simulator.presets import PresetName, host_config
from worker.simulator.server import Listening, Simulator
from worker.simulator.specs import BadSpecError, parse_models

_LAST_PORT = 65535
_MODELS_SHOWN = 8


class BadFlagError(ValueError):
    """A flag that cannot be followed; the message says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The flags; None leaves what the preset says."""

    at: Listening
    models: Sequence[str] = ()
    preset: str | None = None
    keep_alive: str | None = None
    speed: float = 1.0
    max_loaded_models: int | None = None
    max_queue: int | None = None
    num_parallel: int | None = None
    context_length: int | None = None


def run(command: Command, *, tell: Callable[[str], None]) -> None:
    """Simulate until SIGINT or SIGTERM; say in one line when it listens.

    Raises:
        BadFlagError: before anything listens.
        OSError: when a port cannot be opened.
    """
    config = configured(command)
    asyncio.run(_serve(config, command.at, tell))


def configured(command: Command) -> HostConfig:
    """Configure the hosts as the flags say.

    Without `preset` the demonstration's models serve unless models are given.

    Raises:
        BadFlagError: naming the flag.
    """
    last = command.at.port + command.at.hosts - 1
    if command.at.port and last > _LAST_PORT:
        raise BadFlagError(
            f"--hosts {command.at.hosts}: the last port would be {last}; "
            f"start at --port {_LAST_PORT - command.at.hosts + 1} or below"
        )
    try:
        models = parse_models(command.models)
    except BadSpecError as error:
        raise BadFlagError(f"--model: {error}") from error
    preset = PresetName(command.preset) if command.preset else None
    if preset is None and not models:
        preset = PresetName.DEMO
    config = host_config(preset, models=models, speed=command.speed)
    return replace(config, settings=_settings(command, config.settings))


def _settings(command: Command, preset: ServerSettings) -> ServerSettings:
    keep_alive_s = preset.keep_alive_s
    if command.keep_alive is not None:
        try:
            keep_alive_s = server_keep_alive_s(command.keep_alive)
        except BadDurationError as error:
            raise BadFlagError(f"--keep-alive: {error}; write 5m, 90s or -1") from error
    return replace(
        preset,
        keep_alive_s=keep_alive_s,
        max_loaded_models=_given(command.max_loaded_models, preset.max_loaded_models),
        max_queue=_given(command.max_queue, preset.max_queue),
        num_parallel=_given(command.num_parallel, preset.num_parallel),
        context_length=_given(command.context_length, preset.context_length),
    )


def _given(flag: int | None, default: int) -> int:
    return default if flag is None else flag


async def _serve(
    config: HostConfig, at: Listening, tell: Callable[[str], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with Simulator(config, at=at) as simulator:
        tell(_greeting(simulator, config))
        await stopping.wait()


def _greeting(simulator: Simulator, config: HostConfig) -> str:
    names = [model.name.short for model in config.models]
    models = ", ".join(names[:_MODELS_SHOWN])
    if len(names) > _MODELS_SHOWN:
        models += f" and {len(names) - _MODELS_SHOWN} more"
    where = simulator.url
    if len(simulator.hosts) > 1:
        where += f" to {simulator.urls[-1]}"
    control = simulator.control_url or simulator.url
    about = f"models: {models}; control: {control}/_sim"
    return f"Ollama simulator {VERSION} on {where} ({about})"
