"""Rules, dashboard and handbook speak of what there is."""

import inspect
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ollama_warmup import errors
from tests.support.scrapes import FULL, read
from worker import metrics

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "monitoring"
RULES = YAML(typ="safe").load((FOLDER / "alerts.yml").read_text())["groups"]
ALERTS = {
    rule["alert"]: rule for group in RULES for rule in group["rules"] if "alert" in rule
}
DASHBOARD = json.loads((FOLDER / "grafana" / "ollama-warmup.json").read_text())
QUERIES = [
    target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
]
HANDBOOK = (ROOT / "docs" / "operate.md").read_text()
EXISTING = {name for name, *_ in read(FULL)}
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$host": ".", "$model": "."}
"""Of Grafana, and values that they may have."""
PROMTOOL = shutil.which("promtool") or ""
promtool = pytest.mark.skipif(
    not PROMTOOL, reason="promtool is not here (Debian package prometheus)"
)


def headings(chapter):
    text = HANDBOOK.partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^### (\w+)$", text, re.MULTILINE))


def names_in(text):
    return set(re.findall(r"\bollama_warmup_\w+", text))


def run(*args, stdin=None):
    ended = subprocess.run(
        [PROMTOOL, *args], input=stdin, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_alert_rules_query_only_existing_metrics():
    asked = names_in((FOLDER / "alerts.yml").read_text())

    assert asked
    assert asked <= EXISTING


@pytest.mark.parametrize("query", QUERIES)
def test_a_panel_queries_only_existing_metrics(query):
    assert names_in(query)
    assert names_in(query) <= EXISTING


def test_variables_of_the_dashboard_query_only_existing_metrics():
    asked = names_in(json.dumps(DASHBOARD["templating"]))

    assert asked
    assert asked <= EXISTING


def test_the_table_of_metrics_has_every_metric_and_no_other():
    table = HANDBOOK.partition("| metric, behind")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    told = {f"ollama_warmup_{name}" for name in re.findall(r"`(\w+)`", "".join(cells))}
    bare = {re.sub("_(bucket|count|sum)$", "", name) for name in EXISTING}

    assert told == bare


def test_each_alert_has_an_entry_and_each_entry_an_alert():
    assert headings("Alerts") == set(ALERTS)


def test_each_error_has_an_entry_and_each_entry_an_error():
    ours = {
        name
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.WarmupError)
    }

    assert headings("Errors") == ours


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_has_two_sentences_and_a_link_to_the_handbook(name):
    annotations = ALERTS[name]["annotations"]

    assert annotations["runbook"] == f"docs/operate.md#{name.lower()}"
    assert annotations["description"].count(". ") >= 1


@promtool
def test_the_tests_of_the_alert_rules_pass_in_promtool():
    code, text = run("test", "rules", str(FOLDER / "alerts_test.yml"))

    assert code == 0, text


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_has_a_test_in_which_it_fires(name):
    tested = (FOLDER / "alerts_test.yml").read_text()

    fires = rf'exp_samples:\n\s*- {{labels: \'ALERTS{{alertname="{name}",'
    assert re.search(fires, tested)


@promtool
def test_rules_and_queries_are_correct(tmp_path):
    text = json.dumps([{"record": "panel", "expr": query} for query in QUERIES])
    for variable, value in VARIABLES.items():
        text = text.replace(variable, value)
    file = tmp_path / "queries.yml"
    file.write_text(f'{{"groups": [{{"name": "panels", "rules": {text}}}]}}')

    code, text = run("check", "rules", str(FOLDER / "alerts.yml"), str(file))

    assert code == 0, text


@promtool
def test_prometheus_finds_no_fault_with_the_metrics():
    code, text = run("check", "metrics", stdin=metrics.render(FULL).decode())

    assert (code, text) == (0, "")
