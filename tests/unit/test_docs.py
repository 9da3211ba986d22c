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

from ollama_warmup import reference, settings, warmkeys, warmlist
from ollama_warmup.settings import SECRET_PREFIX
from worker.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "bench/*.md", "examples/**/*.md")
    for page in ROOT.glob(pattern)
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)


def text(page):
    return (ROOT / page).read_text()


def blocks(language):
    """The blocks in a language, by page and line."""
    return {
        f"{page}:{text(page).count(chr(10), 0, found.start()) + 1}": found[2]
        for page in PAGES
        for found in FENCE.finditer(text(page))
        if found[1] == language
    }


PYTHON, YAMLS = blocks("python"), blocks("yaml")
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


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_that_a_page_names_is_read(page):
    known = reference.tables()["settings"]
    named = set(re.findall(r"OLLAMA_WARMUP_[A-Z0-9_]+(?<!_)", text(page)))

    for variable in named - {SECRET_PREFIX.rstrip("_")}:
        assert f"`{variable}`" in known or variable.startswith(SECRET_PREFIX), variable


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(text(page)):
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found.relative_to(ROOT)), target


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page):
    commands = typer.main.get_group(cli).commands

    for name in re.findall(r"(?<!/opt/)\bollama-warmup ([a-z]+)\b", code(page)):
        assert name in commands, name


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page):
    targets = re.findall(r"^([a-z0-9]+):", text("Makefile"), re.MULTILINE)

    for name in re.findall(r"(?:^|[\s`])make ([a-z0-9]+)\b", code(page), re.MULTILINE):
        assert name in targets, name


@pytest.mark.parametrize("place", PYTHON)
def test_a_python_block_compiles_and_finds_what_it_imports(place):
    compile(PYTHON[place], place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    for module, names in imports(place):
        if module not in NOT_HERE:
            there = import_module(module)
            assert all(hasattr(there, name) for name in names), module


def test_the_python_blocks_that_ask_nobody_run(monkeypatch):
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


@pytest.mark.parametrize("place", YAMLS)
def test_a_block_that_is_a_warm_list_is_taken(place, tmp_path, monkeypatch):
    keys = set(YAML(typ="safe").load(YAMLS[place]))
    if not keys <= warmkeys.WarmFile.model_fields.keys():
        return
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", str(tmp_path / "warmlist.yaml"))
    (tmp_path / "warmlist.yaml").write_text(YAMLS[place])

    listed = warmlist.read(settings.read())

    assert listed.targets or "models" not in keys


def test_the_first_screen_shows_a_warm_list_that_gives_what_it_shows(
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
