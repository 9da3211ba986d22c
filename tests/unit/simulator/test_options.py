"""Sources: `server/routes.go`, modelOptions; `server/sched.go`, needsReload, load."""

import pytest

from tests.unit.simulator.world import model
from worker.simulator.physics.launching import (
    launch,
    lower_auto_context,
    needs_reload,
)
from worker.simulator.physics.models import Capability
from worker.simulator.physics.options import ServerSettings, WrongTypeError, want

PLAIN = model("plain")
CPU = ServerSettings()
GPU = ServerSettings(gpu=True)


def reloads(first, second, *, of=PLAIN, settings=CPU, shifts=(None, None)):
    have = launch(
        of, want(of, first, settings=settings, shift=shifts[0]), settings=settings
    )
    new = want(of, second, settings=settings, shift=shifts[1])
    return needs_reload(have, new, train_context=8192, legacy=settings.legacy)


SAME = [
    pytest.param({}, {}, id="nothing asked"),
    pytest.param({}, {"num_ctx": 4096.0}, id="explicit equal to the default"),
    pytest.param({"num_ctx": 9000.0}, {"num_ctx": 99999.0}, id="both clipped"),
    pytest.param({"num_ctx": 8192.0}, {"num_ctx": 1e9}, id="clipped to the same"),
    pytest.param({"num_ctx": 1.0}, {"num_ctx": 4.0}, id="at least four"),
    pytest.param({}, {"temperature": 0.1, "seed": 3.0, "stop": ["x"]}, id="sampling"),
    pytest.param({}, {"num_predict": 9.0, "num_keep": 1.0}, id="prediction"),
    pytest.param({}, {"nun_ctx": 1.0}, id="unknown option"),
    pytest.param({}, {"num_ctx": None}, id="null keeps the default"),
    pytest.param({}, {"num_gpu": -5.0}, id="num_gpu below zero"),
    pytest.param({"num_gpu": 7.0}, {}, id="default num_gpu fits any"),
    pytest.param({}, {"use_mmap": False}, id="mmap off, as derived without a GPU"),
    pytest.param({}, {"num_batch": 512.0}, id="batch equal to the default"),
    pytest.param(
        {"num_ctx": 8192.0},
        {"num_ctx": 8192.0, "num_batch": 1024.0},
        id="batch equal to the one that follows the context",
    ),
    pytest.param({}, {"num_thread": 0.0}, id="num_thread equal to the default"),
    pytest.param({}, {"draft_num_predict": 0.0}, id="no draft"),
    pytest.param(
        {"draft_num_predict": None},
        {"draft_num_predict": 4.9},
        id="draft null is the default, 4",
    ),
    pytest.param({}, {"num_ctx": 4096.9}, id="fractions are cut off"),
]
OTHER = [
    pytest.param({}, {"num_ctx": 2048.0}, id="num_ctx"),
    pytest.param({"num_ctx": 2048.0}, {}, id="num_ctx left out"),
    pytest.param({}, {"num_batch": 64.0}, id="num_batch"),
    pytest.param({"num_batch": 64.0}, {}, id="num_batch left out"),
    pytest.param(
        {"num_ctx": 8192.0},
        {"num_ctx": 8192.0, "num_batch": 512.0},
        id="batch other than the one that follows the context",
    ),
    pytest.param({}, {"num_gpu": 0.0}, id="num_gpu 0"),
    pytest.param({}, {"main_gpu": 0.0}, id="main_gpu 0 is not none"),
    pytest.param({}, {"use_mmap": True}, id="mmap on"),
    pytest.param({"use_mmap": True}, {}, id="mmap left out"),
    pytest.param({"use_mmap": False}, {}, id="mmap off was asked for"),
    pytest.param({}, {"num_thread": 1.0}, id="num_thread"),
    pytest.param({"num_thread": 1.0}, {}, id="num_thread left out"),
    pytest.param({}, {"draft_num_predict": 4.0}, id="draft without a draft model"),
    pytest.param({}, {"draft_num_predict": None}, id="draft null counts as given"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_a_runner_serves_options_that_amount_to_its_own(first, second):
    assert not reloads(first, second)


@pytest.mark.parametrize(("first", "second"), OTHER)
def test_other_runner_options_reload(first, second):
    assert reloads(first, second)


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        ((None, None), False),
        ((None, True), False),
        ((None, False), True),
        ((False, None), True),
        ((False, False), False),
    ],
)
def test_another_shift_reloads(shifts, expected):
    assert reloads({}, {}, shifts=shifts) is expected


def test_the_family_deepseek2_does_not_shift():
    deepseek = model("deepseek", family="deepseek2")

    assert not want(deepseek, {}, settings=CPU).shift
    assert want(deepseek, {}, settings=CPU, shift=True).shift


def test_modelfile_parameters_lie_below_the_request():
    child = model("child", parameters={"num_ctx": 512.0, "num_thread": 2.0})

    wanted = want(child, {"num_thread": 3.0}, settings=CPU)

    assert (wanted.options.num_ctx, wanted.options.num_thread) == (512, 3)
    assert not wanted.num_ctx_auto


@pytest.mark.parametrize(
    ("settings", "context", "is_auto"),
    [
        (ServerSettings(), 4096, True),
        (ServerSettings(auto_context=32768), 32768, True),
        (ServerSettings(context_length=1000), 1000, False),
    ],
    ids=["default", "tier of the VRAM", "OLLAMA_CONTEXT_LENGTH"],
)
def test_the_default_context_is_automatic_unless_it_is_set(settings, context, is_auto):
    wanted = want(PLAIN, {}, settings=settings)

    assert (wanted.options.num_ctx, wanted.num_ctx_auto) == (context, is_auto)


def test_an_automatic_context_fits_whatever_the_automatic_one_became():
    big = ServerSettings(auto_context=32768)
    wide = model("wide", train_context=131072)
    have = launch(wide, want(wide, {}, settings=CPU), settings=CPU)

    new = want(wide, {}, settings=big)

    assert not needs_reload(have, new, train_context=131072)
    explicit = want(wide, {"num_ctx": 32768.0}, settings=big)
    assert needs_reload(have, explicit, train_context=131072)


def test_a_vision_model_has_at_least_2048_tokens_of_context():
    vision = model("v", capabilities=(Capability.COMPLETION, Capability.VISION))

    assert want(vision, {"num_ctx": 100.0}, settings=CPU).options.num_ctx == 2048


def test_the_batch_of_an_embedding_model_follows_its_context():
    embedder = model("e", capabilities=(Capability.EMBEDDING,))
    batches = [
        want(embedder, given, settings=CPU).options.num_batch
        for given in ({}, {"num_ctx": 1024.0}, {"num_batch": 64.0})
    ]

    assert batches == [2048, 1024, 64]
    assert not reloads({}, {}, of=embedder)
    assert reloads({}, {"num_ctx": 1024.0}, of=embedder)


@pytest.mark.parametrize(
    ("context", "batch"), [(4096.0, 512), (4097.0, 1024), (32769.0, 2048)]
)
def test_the_automatic_batch_follows_the_context(context, batch):
    wide = model("wide", train_context=131072)

    wanted = want(wide, {"num_ctx": context}, settings=GPU)

    assert launch(wide, wanted, settings=GPU).options.num_batch == batch


def test_memory_mapping_is_switched_off_without_a_gpu_only():
    chosen = [
        launch(PLAIN, want(PLAIN, given, settings=s), settings=s).options.use_mmap
        for s, given in ((CPU, {}), (GPU, {}), (GPU, {"num_gpu": 0.0}))
    ]

    assert chosen == [False, None, False]


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("num_ctx", "x", "of type integer"),
        ("num_ctx", True, "of type integer"),
        ("main_gpu", "0", "of type integer"),
        ("use_mmap", 1.0, "of type boolean"),
        ("temperature", "hot", "of type float32"),
        ("stop", "x", "of type array"),
        ("stop", [1.0], "of an array of strings"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused(name, value, kind):
    with pytest.raises(WrongTypeError) as refused:
        want(PLAIN, {name: value}, settings=CPU)

    assert str(refused.value) == f'option "{name}" must be {kind}'


@pytest.mark.parametrize(
    ("given", "lower"),
    [({}, 32768), ({"num_ctx": 131072.0}, None)],
    ids=["automatic", "asked for"],
)
def test_only_an_automatic_context_is_lowered(given, lower):
    wide = model("wide", train_context=262144)
    wanted = want(wide, given, settings=ServerSettings(auto_context=262144))

    lowered = lower_auto_context(wanted, train_context=262144)

    assert (lowered.options.num_ctx if lowered else None) == lower


def test_the_lowest_tier_is_not_lowered_further():
    wanted = want(PLAIN, {}, settings=ServerSettings(auto_context=32768))

    assert lower_auto_context(wanted, train_context=4096) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {}, False),
        ({"num_gpu": 7.0}, {}, False),
        ({"num_ctx": 99999.0}, {"num_ctx": 88888.0}, True),
        ({"num_batch": 64.0}, {}, True),
    ],
)
def test_a_legacy_server_compares_plainly(first, second, expected):
    legacy = ServerSettings(legacy=True)

    assert reloads(first, second, settings=legacy) is expected
