"""What the documents say of the code is so."""

import ast
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML

from ollama_warmup import reference, settings, warmlist
from ollama_warmup.settings import SECRET_PREFIX
from worker.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "bench/*.md", "examples/**/*.md")
    for page in ROOT.glob(pattern)
)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)


def text(page):
    return (ROOT / page).read_text()


def blocks():
    """The language and the text of each block, by page and line."""
    return {
        f"{page}:{text(page).count(chr(10), 0, found.start()) + 1}": (
            found[1],
            found[2],
        )
        for page in PAGES
        for found in FENCE.finditer(text(page))
    }


BLOCKS = blocks()
PYTHON, WARM_LISTS = (
    {place: block for place, (found, block) in BLOCKS.items() if found == language}
    for language in ("python", "yaml")
)
UNCHECKED = {"", "sh", "yaml not a warm list"}
"""What may stand behind the three backticks of a block that no test reads."""
NOT_HERE = {"langchain_ollama"}
"""What blocks import and no test has; tried by hand, at the version that they name."""
RUN_ALL = """
import json, sys
for place, source in json.load(sys.stdin).items():
    exec(compile(source, place, "exec"), {"__name__": "block"})
    print(place)
"""


def code(page):
    """Blocks, lines that are indented, and what stands between backticks."""
    prose = FENCE.sub("", text(page))
    fenced = [found[2] for found in FENCE.finditer(text(page))]
    return "\n".join([*fenced, *INDENTED.findall(prose), *re.findall("`[^`]+`", prose)])


def anchors(page):
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def pairs(found_in):
    """Each page with each of what is found in it."""
    found = [(page, one) for page in PAGES for one in sorted(set(found_in(page)))]
    assert found, "no page has one: is the pattern wrong?"
    return found


def variables(page):
    return set(re.findall(r"OLLAMA_WARMUP_[A-Z0-9_]+(?<!_)", text(page)))


def commands(page):
    return re.findall(r"(?<!/opt/)\bollama-warmup ([a-z]+)\b", code(page))


def make_targets(page):
    return re.findall(r"(?:^|[\s`])make ([a-z0-9]+)\b", code(page), re.MULTILINE)


@pytest.mark.parametrize(("page", "variable"), pairs(variables))
def test_a_variable_that_a_page_names_is_in_the_table_of_settings(page, variable):
    is_secret = f"{variable}_".startswith(SECRET_PREFIX)

    assert is_secret or f"`{variable}`" in reference.tables()["settings"], page


@pytest.mark.parametrize(("page", "link"), pairs(lambda page: LINK.findall(text(page))))
def test_a_link_leads_to_a_file_and_a_heading_of_it(page, link):
    path, _, anchor = link.partition("#")
    found = (ROOT / page).parent / path if path else ROOT / page

    assert found.exists()
    assert not anchor or anchor in anchors(found.relative_to(ROOT))


@pytest.mark.parametrize(("page", "command"), pairs(commands))
def test_a_command_that_a_page_names_exists(page, command):
    assert command in typer.main.get_group(cli).commands, page


@pytest.mark.parametrize(("page", "target"), pairs(make_targets))
def test_a_make_target_that_a_page_names_exists(page, target):
    targets = re.findall(r"^([a-z0-9]+):", text("Makefile"), re.MULTILINE)

    assert target in targets, page


@pytest.mark.parametrize("place", BLOCKS)
def test_a_block_of_a_page_is_checked_or_marked_as_unchecked(place):
    language, _ = BLOCKS[place]

    known = {"python", "yaml"} | UNCHECKED
    assert language in known, "`yaml` is a warm list; if it is not: see UNCHECKED"


@pytest.mark.parametrize("place", PYTHON)
def test_a_python_block_compiles_and_its_imports_exist(place):
    compile(PYTHON[place], place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    for module, names in imports(place):
        if module not in NOT_HERE:
            there = import_module(module)
            assert all(hasattr(there, name) for name in names), module


def test_the_python_blocks_that_send_no_request_run(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_MODELS", "llama3:8b?num_ctx=8192")
    asks = re.compile(r"^\S.*\bawait\b|^await|\.delay\(|httpx\.post", re.MULTILINE)
    quiet = {
        place: source
        for place, source in PYTHON.items()
        if not asks.search(source)
        and NOT_HERE.isdisjoint(module for module, _ in imports(place))
    }

    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN_ALL],
        input=json.dumps(quiet),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )

    assert ran.stdout.split() == list(quiet)
    assert len(quiet) >= 6


def imports(place):
    """Modules and what is taken of them; plain imports take nothing."""
    for node in ast.walk(ast.parse(PYTHON[place])):
        if isinstance(node, ast.Import):
            yield from ((name.name, []) for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module, [name.name for name in node.names]


@pytest.mark.parametrize("place", WARM_LISTS)
def test_a_yaml_block_is_read_as_a_warm_list(place, tmp_path, monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", str(tmp_path / "warmlist.yaml"))
    (tmp_path / "warmlist.yaml").write_text(WARM_LISTS[place])
    written = YAML(typ="safe").load(WARM_LISTS[place])

    listed = warmlist.read(settings.read())

    assert set(listed.hosts) >= set(written.get("hosts", {}))
    assert len(listed.targets) >= len(written.get("models", []))


def test_the_warm_list_of_the_readme_has_the_targets_that_the_readme_shows(
    tmp_path, monkeypatch
):
    first = FENCE.findall(text("README.md"))[0]
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", str(tmp_path / "warmlist.yaml"))
    (tmp_path / "warmlist.yaml").write_text(first[1])
    shown = re.findall(r"^    (gpu-1 .*)$", text("README.md"), re.MULTILINE)

    targets = warmlist.read(settings.read()).targets

    assert first[1].count("\n") == 4
    assert [line.split()[:2] for line in shown][:2] == [
        [target.host, target.model] for target in targets
    ]


def test_the_readme_stays_short():
    assert len(text("README.md").splitlines()) <= 120
