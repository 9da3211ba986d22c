"""The JSON Schema of the warm list's file, for editors and other people's tools.

`python -m ollama_warmup.schema` writes it; `make schema` puts it where it belongs.
"""

import json
import sys
from typing import Any

from pydantic import ConfigDict, TypeAdapter, with_config

from ollama_warmup import request
from ollama_warmup.request import RunnerOptions
from ollama_warmup.warmkeys import WarmFile


def schema() -> dict[str, Any]:
    """The schema, from the very models that read the file."""
    made = WarmFile.model_json_schema()
    parts = made["$defs"]
    for keys in (parts["Defaults"], parts["Entry"]):
        told = keys["properties"]["options"]["description"]
        keys["properties"]["options"] = {"$ref": "#/$defs/Options", "description": told}
    parts["Options"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": _options(),
    }
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **made, "title": "Warm list of ollama-warmup"}


def text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _options() -> dict[str, Any]:
    """By the rules of a request; sampling options are taken, and tell it."""
    documented = with_config(ConfigDict(use_attribute_docstrings=True))(RunnerOptions)
    told = TypeAdapter(documented).json_schema()["properties"]
    runner = {
        name: _type(name) | {"description": told[name]["description"]} for name in told
    }
    sampling = "Decides nothing about a load: ignored, with a warning."
    return runner | {
        name: {"description": sampling, "deprecated": True}
        for name in sorted(request.SAMPLING)
    }


def _type(name: str) -> dict[str, Any]:
    if name in request.BOOLEANS:
        return {"type": "boolean"}
    return {
        "type": "integer",
        "minimum": request.MINIMUM[name],
        "maximum": request.LARGEST,
    }


if __name__ == "__main__":
    sys.stdout.write(text())
