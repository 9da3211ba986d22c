from rich.text import Text

from ollama_warmup.report import Condition
from worker.cli import tables


def test_lines_are_aligned_by_spaces_and_end_with_their_last_word():
    rows: list[tables.Row] = [
        ("gpu-1", "tiny", ""),
        ("gpu-10", Text("-", style="red"), "why not"),
    ]

    assert tables.lines(("HOST", "MODEL", "WHY"), rows) == [
        "HOST    MODEL  WHY",
        "gpu-1   tiny",
        "gpu-10  -      why not",
    ]


def test_a_column_grows_when_something_longer_comes():
    columns = tables.Columns([("A", "B")])

    shown = [columns.line(row).plain for row in (("A", "B"), ("long", "b"), ("a", "b"))]

    assert shown == ["A  B", "long  b", "a     b"]


def test_each_condition_has_a_colour_beside_its_word():
    cells = [tables.condition(condition) for condition in Condition]

    assert [str(cell) for cell in cells] == [c.value for c in Condition]
    assert all(cell.style for cell in cells)
    assert str(tables.condition(None)) == "-"


def test_what_a_host_says_cannot_move_the_cursor():
    assert tables.plain("out of\tmemory\n \x1b[2Jat 3") == "out of memory ?[2Jat 3"
