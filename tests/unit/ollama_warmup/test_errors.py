import inspect
import json
import re

import pytest
from celery import Celery
from celery.backends.base import BaseBackend

from ollama_warmup import errors

CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, errors.WarmupError)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_comes_back_through_celerys_json_as_itself(cls):
    backend = BaseBackend(Celery(set_as_current=False))

    wire = json.dumps(backend.prepare_exception(cls("what, where, next"), "json"))
    error = backend.exception_to_python(json.loads(wire))

    assert type(error) is cls
    assert error.args == ("what, where, next",)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_tree_in_the_module_shows_every_error(cls):
    assert re.search(rf"\b{cls.__name__}\b", errors.__doc__)
