"""Sources: `llm/llama_server.go`; `server/routes.go`; measured on 0.33.0-rc2."""

import pytest

from tests.unit.simulator.world import model
from worker.simulator.errors import HttpError
from worker.simulator.physics.options import ServerSettings, want
from worker.simulator.prompts import (
    Turn,
    Window,
    answer_size,
    chat_size,
    chatml,
    text_size,
)
from worker.simulator.templates import BadTemplateError, render

WIDE = Window(num_ctx=4096)
OK = Turn(role="user", content="ok")


@pytest.mark.parametrize(
    ("turns", "size"),
    [
        ([OK], 53),
        ([Turn(role="system", content="s"), OK], 84),
        ([Turn(role="system", content="ok")], 55),
        ([Turn(role="")], 47),
        ([Turn(role="user", content="é  \n")], 56),
        ([Turn(role="assistant", content="ok")], 25),
        ([OK, Turn(role="assistant", content="hello")], 58),
        ([Turn(role="assistant", content="a"), OK], 87),
        ([Turn(role="assistant")], 1),
    ],
)
def test_a_chat_without_a_template_is_rendered_as_chatml(turns, size):
    assert chat_size(turns, WIDE) == size


def test_two_messages_to_go_on_with_are_refused():
    with pytest.raises(HttpError, match="Cannot have 2 or more assistant messages"):
        chatml([Turn(role="assistant", content="a")] * 2)


def test_old_messages_go_until_a_chat_fits_but_those_of_the_system_stay():
    window = Window(num_ctx=512)
    long = Turn(role="user", content="x" * 300)
    system = Turn(role="system", content="x" * 100)
    turns = [system, long, Turn(role="assistant", content="k"), OK]

    assert chat_size([long, long], window) == 351
    assert chat_size([system, long, long], window) == chat_size([system, long], window)
    assert chat_size(turns, Window(num_ctx=300)) == chat_size(
        [system, *turns[2:]], WIDE
    )


@pytest.mark.parametrize(
    ("characters", "window", "size"),
    [
        (510, Window(num_ctx=512), 511),
        (512, Window(num_ctx=512), 259),
        (600, Window(num_ctx=512, num_keep=0), 257),
        (600, Window(num_ctx=512, num_keep=100), 307),
        (600, Window(num_ctx=512, num_keep=-1), 511),
        (600, Window(num_ctx=512, num_keep=9999), 511),
        (63, Window(num_ctx=64), 64),
        (64, Window(num_ctx=64), 35),
        (100, Window(num_ctx=64, truncates=False), 101),
    ],
)
def test_a_prompt_too_long_for_its_context_loses_its_middle(characters, window, size):
    assert text_size("x" * characters, window) == size


@pytest.mark.parametrize(
    ("characters", "window", "told"),
    [
        (511, Window(num_ctx=512), r"request \(512 tokens\) exceeds .* \(512 tokens"),
        (600, Window(num_ctx=512, truncates=False), r"\(601 tokens\)"),
        (300, Window(num_ctx=64, truncates=False), r'"n_ctx":256'),
        (512, Window(num_ctx=512, shifts=False), "shorten the prompt"),
    ],
)
def test_a_prompt_that_does_not_fit_is_refused(characters, window, told):
    with pytest.raises(HttpError, match=told) as refused:
        text_size("x" * characters, window)

    assert refused.value.status == 400


def test_a_chat_whose_last_message_does_not_fit_is_refused():
    with pytest.raises(HttpError, match=r"request \(651 tokens\) exceeds"):
        chat_size([Turn(role="user", content="x" * 600)], Window(num_ctx=512))


def test_the_tokens_of_an_earlier_answer_come_before_the_prompt():
    assert text_size("ok", WIDE, context=2) == 5


@pytest.mark.parametrize(
    ("options", "shift", "answer"),
    [
        ({"num_predict": 5.9}, True, (5, "length")),
        ({}, True, (640, "length")),
        ({"num_predict": -2.0}, True, (640, "length")),
        ({"num_predict": 9999.0}, True, (640, "length")),
        ({}, False, (253, "length")),
        ({"num_predict": 0.0}, False, (253, "length")),
        ({"num_ctx": 300.0, "num_predict": 1000.0}, False, (509, "length")),
        ({"num_ctx": 4.0}, False, (40, "length")),
    ],
)
def test_an_answer_without_an_end_stops_after_ten_contexts(options, shift, answer):
    wordy = model("wordy")
    given = {"num_ctx": 64.0, **options}
    wanted = want(wordy, given, settings=ServerSettings(), shift=shift)
    window = Window.of(wordy, wanted, truncates=True)

    assert answer_size(wordy, wanted, window, prompt=3) == answer


def test_without_a_limit_nothing_ends_an_answer_but_the_model():
    def size(**traits):
        writer = model("writer", **traits)
        wanted = want(writer, {"num_predict": 0.0}, settings=ServerSettings())
        return answer_size(writer, wanted, WIDE, prompt=3)

    assert size()[0] > 10**8
    assert size(answer_tokens=48) == (48, "stop")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ .Prompt }}!", "ok!"),
        ("{{ .System }}|{{ .Prompt }}", "sy|ok"),
        ("a {{- .Prompt -}} b", "aokb"),
        ("{{ .Nope }}", "<no value>"),
        ("{{ .Prompt }}{{ .Response }}z", "ok"),
        ("}}", "}}"),
    ],
)
def test_a_template_is_filled_in(template, text):
    assert render(template, system="sy", prompt="ok") == text


@pytest.mark.parametrize(
    ("template", "line"), [("{{", 1), ("{{ .Prompt }}{{", 1), ("a\n{{ .Prompt", 2)]
)
def test_an_action_that_is_not_closed_is_refused_with_its_line(template, line):
    with pytest.raises(BadTemplateError, match=f"^.*template: :{line}: unclosed"):
        render(template, system="", prompt="")
