"""docs/performance.md: what the raw results in bench/results say.

`python -m bench.performance` (`make performance`) writes it, its plots, and the table
of README.md.
"""

import json
import re
import statistics
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from bench import (
    concurrent,
    dispatch,
    first_token_told,
    idle,
    passes,
    recovery,
    report,
    windows,
)
from bench.digest import Bound, Raw, Section

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench/results"
PAGE = ROOT / "docs/performance.md"
PLOTS = ROOT / "docs/performance"
README = ROOT / "README.md"
SECTIONS: tuple[Section, ...] = (
    first_token_told.SECTION,
    dispatch.SECTION,
    concurrent.SECTION,
    windows.SECTION,
    recovery.SECTION,
    passes.SECTION,
    idle.SECTION,
)
DRAWN = {
    "first_token": "seconds to the first token: values, and a bar at the median",
    "dispatch": "share of dispatches that took at most so long",
    "passes": "seconds of a pass over the number of hosts",
}
"""The sections that have a plot, and what it shows."""
README_COLUMNS = {
    "1 GB model, prompts of 1 word": "first_token-mid",
    "1 GB model, 32 words": "first_token-mid-32-words",
    "3.5 GB model, 1 word": "first_token-big",
}
"""Of README's table; its rows, and what the results call them:"""
README_ROWS = {
    "of a cold model": "cold",
    "after a warm-up": "after a warm-up",
    "in steady state": "steady",
}
_TABLE = re.compile(
    r"(<!-- measured: by make performance -->\n).*?(<!-- end -->)", re.DOTALL
)

Results = Mapping[str, Raw]
"""By the stem of the file."""


def results(folder: Path = RESULTS) -> dict[str, Raw]:
    """Every raw result that there is, in the order of names."""
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def of(section: Section, told: Results) -> dict[str, Raw]:
    """The results of a section, the latest first; labels tell several apart."""
    mine = [(k, raw) for k, raw in told.items() if k.partition("-")[0] == section.name]
    return dict(sorted(mine, key=lambda pair: pair[1]["about"]["at"], reverse=True))


def document(told: Results) -> str:
    """The text of docs/performance.md."""
    return "\n".join([*_head(told), *(x for s in SECTIONS for x in _section(s, told))])


def readme(page: str, told: Results) -> str:
    """README.md with its table as it is now."""
    table = "\n".join(_readme_table(told)) + "\n"
    return _TABLE.sub(lambda found: found[1] + table + found[2], page)


def _head(told: Results) -> Iterator[str]:
    bounds = [
        (section, bound)
        for section in SECTIONS
        for raw in of(section, told).values()
        for bound in section.digest(raw).bounds
    ]
    missed = [_missed(section, bound) for section, bound in bounds if not bound.is_met]
    yield "# Performance"
    yield _filled(_HEAD)
    yield ""
    yield f"Of {len(bounds)} bounds below, {len(bounds) - len(missed)} are met."
    if missed:
        yield "Missed:"
        yield ""
        yield from missed
    yield ""


def _missed(section: Section, bound: Bound) -> str:
    what, measured, most, _ = bound.cells()
    return f"- {section.title.partition(':')[0]}: {what} {measured}, to be {most}"


def _section(section: Section, told: Results) -> Iterator[str]:
    mine = of(section, told)
    if not mine:
        return
    yield f"## {section.title}"
    yield _filled(section.how)
    yield ""
    if caption := DRAWN.get(section.name):
        yield f"![{caption}](performance/{section.name}.svg)"
        yield ""
    for raw in mine.values():
        digest = section.digest(raw)
        yield f"{report.facts(raw)}:"
        yield ""
        for grid in digest.all():
            if grid in digest.grids:
                yield f"*{grid.title}*"
                yield ""
            yield from grid.markdown()
            yield ""


def _filled(prose: str) -> str:
    """Prose of the code as one line, as the documents have it."""
    return " ".join(prose.split())


def _readme_table(told: Results) -> Iterator[str]:
    mine = [told[stem] for stem in README_COLUMNS.values()]
    yield f"| seconds to the first token | {' | '.join(README_COLUMNS)} |"
    yield "|---" + "|--:" * len(mine) + "|"
    for name, row in README_ROWS.items():
        medians = (f"{statistics.median(raw['seconds'][row]):.3f}" for raw in mine)
        yield f"| {name} | {' | '.join(medians)} |"
    about = [raw["about"] for raw in mine]
    versions = sorted({facts["ollama"] for facts in about})
    machines = sorted({facts["machine"] for facts in about})
    yield ""
    yield f"Medians; Ollama {' and '.join(versions)}; {' and '.join(machines)}."


_HEAD = """Written by `make performance` from the raw results in
[bench/results](../bench/results); [bench/README.md](../bench/README.md) tells how
to run each benchmark. A figure is a median with the least and the greatest value
behind it unless the table says otherwise, and holds for the machine and the
versions that stand above its table. That nothing lapses, and nothing of an
application's is reloaded, is not measured but tested, in a simulated day of mixed
traffic (`tests/history`).
"""


def main() -> None:
    """Write the page, its plots and the table of README.md."""
    told = results()
    PAGE.write_text(document(told))
    README.write_text(readme(README.read_text(), told))
    PLOTS.mkdir(exist_ok=True)
    # Imported by name: matplotlib is no part of what tests and users install.
    plots = import_module("bench.plots")
    for section in SECTIONS:
        if section.name in DRAWN and (mine := of(section, told)):
            plots.draw(section.name, list(mine.values()), PLOTS / f"{section.name}.svg")


if __name__ == "__main__":
    main()
