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


def test_a_text_of_a_host_cannot_move_the_cursor():
    assert tables.plain("out of\tmemory\n \x1b[2Jat 3") == "out of memory ?[2Jat 3"


def test_bytes_are_written_as_ollama_list_does():
    sizes = (0, 999, 1_500, 274e6, 4.7e9, 12e9, 1.2e12)

    assert [tables.size(size) for size in sizes] == [
        *("0 B", "999 B", "1.5 KB", "274 MB", "4.7 GB", "12 GB", "1.2 TB"),
    ]
