"""Prompts rendered through the template of a request: its fields, no logic."""

import re

from worker.simulator.errors import HttpError

_ACTION = re.compile(r"\{\{(?P<left>- )?(?P<body>.*?)(?P<right> -)?\}\}", re.DOTALL)
_FIELD = re.compile(r"\.(\w+)\Z")


class BadTemplateError(HttpError):
    """A template that cannot be parsed; the text is that of Ollama's 500."""


def render(template: str, *, system: str, prompt: str) -> str:
    """Fill in `.System` and `.Prompt`; what follows `.Response` is left out.

    An unknown field has no value, and other actions render nothing.

    Raises:
        BadTemplateError: when an action is not closed.

    Source: `template/template.go`, Parse and Execute; Go's text/template.
    """
    values = {"System": system, "Prompt": prompt}
    rendered, at = "", 0
    trims = False
    for action in _ACTION.finditer(template):
        text = template[at : action.start()]
        text = text.lstrip() if trims else text
        rendered += text.rstrip() if action["left"] else text
        at, trims = action.end(), bool(action["right"])
        field = _FIELD.match(action["body"].strip())
        if field and field[1] == "Response":
            return rendered
        if field:
            rendered += values.get(field[1], "<no value>")
    rest = template[at:]
    if "{{" in rest:
        line = 1 + template.count("\n")
        raise BadTemplateError(500, f"template: :{line}: unclosed action")
    return rendered + (rest.lstrip() if trims else rest)
