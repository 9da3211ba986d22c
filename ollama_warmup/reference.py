"""The tables of docs/configure.md, made from the code that reads what they describe.

`python -m ollama_warmup.reference docs/configure.md` writes them anew between their
marks; `make docs` does that.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ollama_warmup import request, schema
from ollama_warmup.settings import PREFIX, Settings

_TABLE = re.compile(r"(<!-- (\w+): by make docs -->\n).*?(<!-- end -->)", re.DOTALL)


def written(page: str) -> str:
    """The page with its tables as they are now.

    Raises:
        KeyError: a mark names no table.
    """
    made = tables()
    return _TABLE.sub(lambda found: found[1] + made[found[2]] + found[3], page)


def tables() -> dict[str, str]:
    """Every table by the name that its mark gives."""
    told = Settings.model_json_schema()
    file = schema.schema()
    parts = file["$defs"] | told.get("$defs", {})
    variables = {
        key if key.isupper() else PREFIX + key.upper(): node
        for key, node in told["properties"].items()
    }
    return {
        "settings": _table("variable", {"properties": variables}, parts),
        "file": _table("key", file, parts),
        "host": _table("key", parts["HostEntry"], parts),
        "model": _table("key", parts["Entry"], parts),
        "message": _table("key", parts["Message"], parts),
        "options": _table("option", parts["Options"], parts),
    }


def _table(kind: str, part: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    lines = [f"| {kind} | values | default | meaning |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in _rows(part, parts)]
    return "\n".join(lines) + "\n"


def _rows(part: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[list[str]]:
    """What must be there stands first; what has no effect is left out."""
    required = part.get("required", [])
    nodes = part["properties"].items()
    for name, node in sorted(nodes, key=lambda item: item[0] not in required):
        if "deprecated" in node:
            continue
        whole = (
            parts[node["$ref"].rpartition("/")[2]] | node if "$ref" in node else node
        )
        default = "required" if name in required else _default(whole.get("default"))
        meaning = " ".join(whole["description"].split())
        cells = (f"`{name}`", _values(whole), default, meaning)
        yield [cell.replace("|", "\\|") for cell in cells]


def _default(value: object) -> str:
    if value is None or value == "":
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _values(node: Mapping[str, Any]) -> str:
    if "oneOf" in node:
        return ", or ".join(_values(choice) for choice in node["oneOf"])
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "examples" in node:
        return "such as " + ", ".join(f"`{value}`" for value in node["examples"])
    if "minimum" in node:
        low, high = node["minimum"], node["maximum"]
        return f"from {low}" if high == request.LARGEST else f"{low} to {high}"
    if "pattern" in node:
        return f"`{node['pattern']}`"
    return _TYPES.get(node.get("type", "string"), "text")


_TYPES = {
    "array": "a list",
    "boolean": "`true`, `false`",
    "integer": "a whole number",
    "object": "keys",
}


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(written(page.read_text()))
