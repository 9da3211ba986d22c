"""`docs/troubleshoot.md` has every check, under the name that `doctor` prints."""

import re
from pathlib import Path

from worker.doctor.finding import Check

ROWS = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)


def test_the_document_has_each_check_once_and_no_other():
    text = Path(__file__).parents[4].joinpath("docs", "troubleshoot.md").read_text()

    assert sorted(ROWS.findall(text)) == sorted(check.value for check in Check)
