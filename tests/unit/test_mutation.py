"""The faults that `make mutation` makes, and those that are accepted."""

from typing import Any

import pytest

from tests.mutation import mutants
from tests.mutation.__main__ import accepted, key
from tests.mutation.groups import GROUPS


def changes(source):
    return [mutant.change for mutant in mutants.of_source(source, "m.py")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a < b → a <= b", "a < b → a >= b"]),
        ("a is not b", ["a is not b → a is b"]),
        ("a and b", ["a and b → b", "a and b → a"]),
        ("not a", ["not a → a"]),
        ("a + b", ["a + b → a - b"]),
        ("f(6.5)", ["f(6.5) → f(7.5)"]),
        ("f(wait=True)", ["wait=True → wait=False"]),
        ("a if b else c", ["a if b else c → a", "a if b else c → c"]),
        ("max(a, b)", ["max(a, b) → min(a, b)"]),
        ("[a for a in b if a]", ["if a → if True", "if a → if False"]),
    ],
)
def test_an_expression_has_these_faults(source, expected):
    assert changes(f"x: y = {source}") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return a", ["return a → return None"]),
        ("return None", ["return None → return 1"]),
        ("raise a", ["raise a → pass"]),
        ("f(a)", ["f(a) → pass"]),
        ("a.b = c", ["a.b = c → pass"]),
        ("a = f(a)", ["a = f(a) → pass"]),
        ("b = f(a)", []),
        ("a += b", ["a += b → pass", "a += b → a -= b"]),
        ("while a: break", ["if a → if True", "if a → if False", "break → continue"]),
        ("for b in a: continue", ["continue → break"]),
        ("if a: pass", ["if a → if True", "if a → if False"]),
    ],
)
def test_a_statement_has_these_faults(body, expected):
    assert changes(f"def f(a):\n    {body}") == expected


def test_constants_of_modules_and_defaults_of_functions_and_fields_are_changed():
    assert changes("LIMIT_S = 6") == ["LIMIT_S = 6 → LIMIT_S = 7"]
    assert changes("def f(a=1, *, b=None): ...") == [
        "a=1, *, b=None → a=1, *, b=1",
        "a=1, *, b=None → a=2, *, b=None",
    ]
    assert changes("class A:\n    a: int = 0") == ["a: int = 0 → a: int = 1"]


@pytest.mark.parametrize(
    "source",
    [
        '"text"',
        'a = "text"',
        'a = f"{b + 1}"',
        'logger.info("x", extra={"a": 1})',
        "def f(a: Literal[1] | None) -> Literal[2]: ...",
        "@dataclass(frozen=True)\nclass A(B, total=False): ...",
        "A = B | C",
        "x: y = isinstance(a, int | float)",
    ],
)
def test_text_logs_annotations_decorators_and_types_stay_as_they_are(source):
    assert changes(source) == []


def test_a_mutant_is_the_module_with_this_one_fault():
    first, second = mutants.of_source("def f(a):\n    return a < 3\n", "m.py")[1:3]
    scope: dict[str, Any] = {}

    exec(first.code(), scope)  # noqa: S102 - the text stands above

    assert (first.change, first.function, first.line) == ("a < 3 → a <= 3", "f", 2)
    assert second.change == "a < 3 → a >= 3"
    assert [scope["f"](a) for a in (2, 3, 4)] == [True, True, False]


def test_the_same_fault_again_in_a_function_has_a_number():
    assert changes("def f():\n    g()\n    g()") == ["g() → pass", "g() → pass (2)"]


def test_each_group_finds_its_modules_and_tests():
    for group in GROUPS:
        assert group.files()
        assert group.test_files()


def test_an_accepted_mutant_can_still_be_made_and_has_a_reason():
    reasons = accepted()
    files = {file for file, _, _ in reasons}
    made = {key(mutant) for file in files for mutant in mutants.of(file)}

    assert reasons.keys() <= made
    assert all(len(reason) > 20 for reason in reasons.values())
