import pytest

from worker.simulator.command import BadFlagError, Command, configured
from worker.simulator.physics.models import Capability
from worker.simulator.presets import PresetName, host_config
from worker.simulator.server import Listening
from worker.simulator.specs import BadSpecError, parse_models


def test_a_model_is_written_as_a_name_with_traits():
    spec = "llama3:8b?load=12s&token=30ms&size=4.7GB&context=8192&unload=1s&answer=9"
    [model] = parse_models([f"{spec}&capabilities=vision,completion&family=mllama"])

    weights = model.weights
    assert model.name.short == "llama3:8b"
    assert (weights.load_s, weights.token_s, weights.unload_s) == (12, 0.03, 1)
    assert (weights.size_bytes, weights.train_context) == (4_700_000_000, 8192)
    assert weights.capabilities == (Capability.COMPLETION, Capability.VISION)
    assert (weights.family, weights.answer_tokens) == ("mllama", 9)


def test_a_child_shares_the_weights_and_has_parameters_of_its_own():
    base, child = parse_models(["base", "child?of=base&num_ctx=512&use_mmap=true"])

    assert child.weights is base.weights
    assert child.parameters == {"num_ctx": 512.0, "use_mmap": True}
    assert child.digest != base.digest


def test_a_cloud_name_is_a_stub():
    [model] = parse_models(["gpt-oss:120b-cloud"])

    assert model.remote is not None
    assert (model.name.short, model.remote.model) == (
        "gpt-oss:120b-cloud",
        "gpt-oss:120b",
    )


def test_a_later_model_replaces_an_earlier_one():
    [model] = parse_models(["m?load=1s", "m:latest?load=2s"])

    assert model.weights.load_s == 2


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("a b", "is no model name; write NAME"),
        ("", "is no model name"),
        ("m?x", 'unknown "x"; known: load'),
        ("m?laod=1s", 'unknown "laod"; known: load'),
        ("m?load=1", "write load=1.5s"),
        ("m?load=-1s", "write load=1.5s"),
        ("m?token=fast", "write token=1.5s"),
        ("m?size=big", "write size=4.7GB"),
        ("m?context=0", "write context=8192"),
        ("m?answer=x", "is no number from 0; write answer=48"),
        ("m?capabilities=chat", 'unknown capability "chat"; known: completion'),
        ("m?of=base", "names no model before it"),
        ("m?num_ctx=x", "is no whole number"),
        ("m?use_mmap=1", "write use_mmap=true"),
    ],
)
def test_a_malformed_model_is_refused_with_the_words_to_write(spec, told):
    with pytest.raises(BadSpecError) as refused:
        parse_models([spec])

    assert f'model "{spec}"' in str(refused.value)
    assert told in str(refused.value)


def test_a_child_cannot_change_a_trait_of_the_shared_weights():
    with pytest.raises(BadSpecError, match='"load" belongs to the weights'):
        parse_models(["base", "child?of=base&load=3s"])


@pytest.mark.parametrize("name", PresetName)
def test_every_preset_can_be_built(name):
    config = host_config(name)

    assert len({model.name for model in config.models}) >= 6
    assert any(Capability.EMBEDDING in model.capabilities for model in config.models)


def flags(**given):
    return Command(at=given.pop("at", Listening()), **given)


def test_without_models_or_a_preset_the_demonstration_is_simulated():
    names = [model.name.short for model in configured(flags()).models]

    assert "llama3:8b" in names
    assert "gpt-oss:120b-cloud" in names


def test_models_stand_alone_unless_a_preset_is_named():
    alone = configured(flags(models=["m"]))
    added = configured(flags(models=["m"], preset="wire"))

    assert [model.name.model for model in alone.models] == ["m"]
    assert {"m", "tiny"} < {model.name.model for model in added.models}


def test_flags_change_the_settings_of_the_preset():
    config = configured(
        flags(
            preset="wire",
            keep_alive="90s",
            max_loaded_models=1,
            max_queue=0,
            num_parallel=2,
            context_length=2048,
        )
    )

    settings = config.settings
    assert (settings.keep_alive_s, settings.max_loaded_models) == (90, 1)
    assert (settings.max_queue, settings.num_parallel) == (0, 2)
    assert settings.context_length == 2048


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"keep_alive": "soon"}, "--keep-alive: .*; write 5m"),
        ({"models": ["m?x=1"]}, "--model: "),
        ({"at": Listening(port=65000, hosts=1000)}, "start at --port 64536"),
    ],
)
def test_a_bad_flag_is_named(given, told):
    with pytest.raises(BadFlagError, match=told):
        configured(flags(**given))
