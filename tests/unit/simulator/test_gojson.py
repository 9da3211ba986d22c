"""Source: Go's encoding/json (scanner.go, decode.go); `api/types.go`."""

import pytest

from worker.simulator.gojson import DecodeError, NoBodyError
from worker.simulator.requests import (
    read_chat,
    read_embed,
    read_embedding,
    read_generate,
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{x", "'x' looking for beginning of object key string"),
        ("{1", "'1' looking for beginning of object key string"),
        ('{"a":1,}', "'}' looking for beginning of object key string"),
        ('{"a" 1}', "'1' after object key"),
        ('{"a":}', "'}' looking for beginning of value"),
        ('{"a":1 2}', "'2' after object key:value pair"),
        ("[1 2]", "'2' after array element"),
        ("[1,]", "']' looking for beginning of value"),
        ("x", "'x' looking for beginning of value"),
        ("'x'", "'\\'' looking for beginning of value"),
        ("\x00", "'\\x00' looking for beginning of value"),
        ("é", "'Ã' looking for beginning of value"),
        ('{"a":tiny}', "'i' in literal true (expecting 'r')"),
        ('{"a":nul}', "'}' in literal null (expecting 'l')"),
        ('{"a":NaN}', "'N' looking for beginning of value"),
        ('{"a":01}', "'1' after object key:value pair"),
        ('{"a":-x}', "'x' in numeric literal"),
        ('{"a":1.x}', "'x' after decimal point in numeric literal"),
        ('{"a":1e}', "'}' in exponent of numeric literal"),
        ('{"a":+1}', "'+' looking for beginning of value"),
        ('"\t"', "'\\t' in string literal"),
        ('"\n"', "'\\n' in string literal"),
        ('"\\x"', "'x' in string escape code"),
        ('"\\u00g0"', "'g' in \\u hexadecimal character escape"),
    ],
)
def test_a_syntax_error_is_refused_in_gos_words(body, text):
    with pytest.raises(DecodeError) as refused:
        read_generate(body.encode())

    assert str(refused.value) == f"invalid character {text}"


@pytest.mark.parametrize(
    "body", ["{", "[", '{"a"', '{"a":', '{"a":1', '"x', '"\\', "-", "t", '{"a":[1,']
)
def test_a_body_cut_short_ends_unexpectedly(body):
    with pytest.raises(DecodeError, match=r"^unexpected EOF$"):
        read_generate(body.encode())


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_no_body_is_an_error_of_its_own(body):
    with pytest.raises(NoBodyError):
        read_generate(body)


def test_too_deep_a_body_is_refused():
    with pytest.raises(DecodeError, match="exceeded max depth"):
        read_generate(b"[" * 100_000)


@pytest.mark.parametrize(
    ("read", "body", "text"),
    [
        (read_generate, '{"model":3}', "number|GenerateRequest.model|string"),
        (read_generate, '{"stream":"x"}', "string|GenerateRequest.stream|bool"),
        (read_generate, '{"raw":[]}', "array|GenerateRequest.raw|bool"),
        (read_generate, '{"prompt":{}}', "object|GenerateRequest.prompt|string"),
        (
            read_generate,
            '{"options":[1]}',
            "array|GenerateRequest.options|map[string]interface {}",
        ),
        (read_generate, '{"context":["x"]}', "string|GenerateRequest.context|int"),
        (
            read_generate,
            '{"top_logprobs":1.5}',
            "number 1.5|GenerateRequest.top_logprobs|int",
        ),
        (
            read_generate,
            '{"images":[1]}',
            "number|GenerateRequest.images|api.ImageData",
        ),
        (read_chat, '{"messages":"x"}', "string|ChatRequest.messages|[]api.Message"),
        (read_chat, '{"messages":[1]}', "number|ChatRequest.messages|api.Alias"),
        (
            read_chat,
            '{"messages":[{"content":3}]}',
            "number|ChatRequest.messages.content|string",
        ),
        (read_chat, '{"tools":{}}', "object|ChatRequest.tools|api.Tools"),
        (read_chat, '{"tools":[5]}', "number|ChatRequest.tools|api.Tool"),
        (read_chat, '{"tools":[{"type":5}]}', "number|Tool.tools.type|string"),
        (
            read_chat,
            '{"tools":[{"function":{"name":5}}]}',
            "number|ToolFunction.tools.function.name|string",
        ),
        (
            read_chat,
            '{"messages":[{"tool_calls":[{"function":5}]}]}',
            "number|ChatRequest.messages.tool_calls.function|api.ToolCallFunction",
        ),
        (
            read_generate,
            '{"keep_alive":1e400}',
            "number 1e400|GenerateRequest.keep_alive|float64",
        ),
        (
            read_generate,
            '{"model":5,"keep_alive":-1e400}',
            "number -1e400|GenerateRequest.keep_alive|float64",
        ),
        (
            read_generate,
            '{"options":{"num_ctx":1e400}}',
            "number 1e400|GenerateRequest.options|float64",
        ),
        (read_embed, '{"dimensions":true}', "bool|EmbedRequest.dimensions|int"),
        (read_embedding, '{"prompt":[]}', "array|EmbeddingRequest.prompt|string"),
    ],
)
def test_a_field_of_the_wrong_type_is_named_with_its_go_type(read, body, text):
    found, field, go_type = text.split("|")

    with pytest.raises(DecodeError) as refused:
        read(body.encode())

    assert str(refused.value) == (
        f"json: cannot unmarshal {found} into Go struct field {field} of type {go_type}"
    )


@pytest.mark.parametrize(
    ("body", "found"), [("[]", "array"), ('"x"', "string"), ("1", "number")]
)
def test_a_body_that_is_not_an_object_is_refused_with_the_go_type_of_the_request(
    body, found
):
    with pytest.raises(DecodeError) as refused:
        read_chat(body.encode())

    assert str(refused.value) == (
        f"json: cannot unmarshal {found} into Go value of type api.ChatRequest"
    )


def test_the_first_type_error_is_named_but_a_bad_keep_alive_comes_before_it():
    with pytest.raises(DecodeError, match=r"GenerateRequest\.model"):
        read_generate(b'{"model":1,"prompt":2}')
    with pytest.raises(DecodeError, match="missing unit"):
        read_generate(b'{"model":1,"keep_alive":"300"}')


def test_an_image_that_is_not_base64_is_refused_where_it_goes_wrong():
    with pytest.raises(DecodeError, match=r"^illegal base64 data at input byte 2$"):
        read_generate(b'{"images":["aG!="]}')


@pytest.mark.parametrize("think", ['"x"', "3", "[]"])
def test_an_unknown_value_of_think_is_refused(think):
    with pytest.raises(DecodeError, match="think"):
        read_generate(f'{{"think":{think}}}'.encode())


def test_null_is_a_request_without_fields_and_null_fields_are_absent():
    assert read_generate(b"null") == read_generate(b"{}")
    assert read_generate(b'{"stream":null,"keep_alive":null}').stream


def test_field_names_match_in_any_case_and_text_after_the_body_is_ignored():
    request = read_generate(b'{"MODEL":"m","Keep_Alive":5,"other":1} trailing')

    assert (request.model, request.keep_alive_s) == ("m", 5)


@pytest.mark.parametrize("again", ["options", "OPTIONS"])
def test_a_map_given_twice_is_one_and_anything_else_the_last(again):
    body = f'{{"model":"a","model":"b","options":{{"x":1,"y":1}},"{again}":{{"y":2}}}}'

    request = read_generate(body.encode())

    assert (request.model, request.options) == ("b", {"x": 1, "y": 2})


def test_a_level_of_thinking_switches_thinking_on():
    assert read_chat(b'{"think":"low"}').think
    assert read_chat(b'{"think":false}').think is False
    assert read_chat(b"{}").think is None


def test_a_lone_surrogate_is_read_as_a_question_mark():
    assert read_generate(b'{"model":"\\ud800"}').model == "?"
