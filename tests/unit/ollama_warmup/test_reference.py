import re
from pathlib import Path

from ollama_warmup import reference, settings

PAGE = (Path(__file__).parents[3] / "docs" / "configure.md").read_text()


def test_the_published_tables_are_those_of_the_code():
    assert reference.written(PAGE) == PAGE, "make docs"


def test_every_table_is_published_once():
    marks = re.findall(r"<!-- (\w+): by make docs -->", PAGE)

    assert sorted(marks) == sorted(reference.tables())


def test_every_setting_has_a_description_that_no_other_has():
    meanings = [f.description for f in settings.Settings.model_fields.values()]

    assert all(meanings)
    assert len(set(meanings)) == len(meanings) > 1


def test_a_setting_stands_with_its_range_default_and_meaning():
    row = "| `OLLAMA_WARMUP_TICK_S` | 1 to 3600 | `10` | Seconds between two passes. |"

    assert row in reference.tables()["settings"].splitlines()


def test_options_that_decide_nothing_about_a_load_are_left_out():
    options = reference.tables()["options"]

    assert "`num_ctx`" in options
    assert "`temperature`" not in options


def test_a_required_key_stands_first_in_its_table():
    rows = reference.tables()["model"].splitlines()

    assert rows[2].startswith("| `model` | such as `llama3:8b` | required |")
