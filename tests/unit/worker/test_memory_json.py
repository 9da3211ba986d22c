"""What passes leave in Redis is what the next one reads there."""

import json
import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.histories import histories
from worker.adapters.passvalues import dump_memory, load_memory
from worker.core.memory import Memory


def any_of(hint: Any) -> "st.SearchStrategy[Any]":
    """Anything that a field may hold; no number of a memory is infinite."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if origin in {Union, types.UnionType}:
        return st.one_of([any_of(h) for h in inner])
    if origin is Mapping:
        return st.dictionaries(*map(any_of, inner), max_size=3)
    if isinstance(hint, type) and is_dataclass(hint):
        fields = {name: any_of(h) for name, h in get_type_hints(hint).items()}
        return st.builds(hint, **fields)
    return st.sampled_from(hint) if issubclass(hint, Enum) else st.from_type(hint)


@given(any_of(Memory))
def test_any_memory_comes_back_as_it_was(memory):
    assert load_memory(dump_memory(memory)) == memory


@given(histories())
def test_the_memory_that_passes_leave_comes_back_as_it_was(history):
    assert load_memory(dump_memory(history.memory)) == history.memory


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"stays": 5}', '{"told": {"a": {"x": 1}}}']
)
def test_a_memory_that_another_release_wrote_is_forgotten(text):
    assert load_memory(text) == Memory()


def test_a_field_that_another_release_added_is_ignored():
    known = json.loads(dump_memory(Memory(refusals=2)))

    assert load_memory(json.dumps(known | {"more": 1})) == Memory(refusals=2)
