"""Ready-made servers: the one that was recorded, and one to look at."""

import enum
from dataclasses import dataclass, replace

from worker.simulator.host import HostConfig
from worker.simulator.physics.models import Model
from worker.simulator.physics.options import ServerSettings
from worker.simulator.specs import parse_models


class PresetName(enum.StrEnum):
    """The presets by name."""

    WIRE = "wire"
    DEMO = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A server's settings and its models."""

    settings: ServerSettings
    models: tuple[str, ...]
    is_cloud_disabled: bool = False
    is_offline: bool = False


_WIRE = Preset(
    settings=ServerSettings(keep_alive_s=30.0),
    models=(
        "tiny?load=300ms&token=2ms&size=250KB&answer=0",
        "tiny2?load=300ms&token=2ms&size=250KB&answer=0",
        "tiny3?load=300ms&token=2ms&size=250KB&answer=0",
        "child?of=tiny&num_ctx=512",
        "mid?load=1.1s&token=33ms&size=1.3GB&answer=0",
        "big?load=4.5s&token=100ms&size=3.9GB&answer=0",
        "embedder?load=300ms&token=1ms&size=250KB&context=2048&capabilities=embedding",
    ),
    is_cloud_disabled=True,
    is_offline=True,
)
"""The servers of the recording: no GPU, no network, random weights.

None of the models ever ends an answer by itself.
"""

_DEMO = Preset(
    settings=ServerSettings(gpu=True),
    models=(
        "llama3:8b?load=8s&token=25ms&size=4.7GB&context=8192",
        (
            "nomic-embed-text?load=1.2s&token=5ms&size=274MB&context=2048&"
            "capabilities=embedding"
        ),
        (
            "qwen3:4b?load=4s&token=15ms&size=2.5GB&context=40960&family=qwen3&"
            "capabilities=completion,tools,thinking"
        ),
        (
            "llava:7b?load=6s&token=25ms&size=4.7GB&context=32768&"
            "capabilities=completion,vision"
        ),
        "assistant?of=llama3:8b",
        (
            "gpt-oss:120b-cloud?size=384B&context=131072&family=gptoss&"
            "capabilities=completion,tools,thinking"
        ),
    ),
)
"""A machine with a GPU, for demonstrations."""

_PRESETS = {PresetName.WIRE: _WIRE, PresetName.DEMO: _DEMO}


def host_config(
    name: PresetName | None, *, models: tuple[Model, ...] = (), speed: float = 1.0
) -> HostConfig:
    """Configure a host as a preset says, with further models.

    Without a preset it is the demonstration's machine with the given models alone.
    The registry of a machine that is online offers the models it starts with. Models
    with a time to pull are not there at the start: a registry offers them, also to a
    machine that is otherwise offline.
    """
    preset = _PRESETS[name] if name else replace(_DEMO, models=())
    named = {model.name: model for model in parse_models(preset.models)}
    named |= {model.name: model for model in models}
    offered = tuple(m for m in named.values() if m.weights.pull_s is not None)
    installed = tuple(m for m in named.values() if m.weights.pull_s is None)
    registry = offered if preset.is_offline else tuple(named.values())
    return HostConfig(
        settings=preset.settings,
        models=installed,
        registry=registry if offered or not preset.is_offline else None,
        is_cloud_disabled=preset.is_cloud_disabled,
        speed=speed,
    )
