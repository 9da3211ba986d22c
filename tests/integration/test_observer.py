"""What is known of a host's models outlives an answer that does not come."""

import time

from ollama_warmup import request
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from tests.support.recorder import recorder
from worker.adapters.observer import Observer
from worker.core.domain import Unanswered

TARGET = Target.of(request.parse("tiny"), host="gpu-1")


def look(observer, host):
    [looks] = observer.look([host], {"gpu-1": [TARGET]})
    return looks["gpu-1"]


def test_the_observer_remembers_the_models_of_a_host_that_is_away():
    observer = Observer(monotonic=time.monotonic)
    with recorder() as (url, _):
        host = Host(name="gpu-1", url=url)
        here = look(observer, host)

    away = look(observer, host)

    assert isinstance(away.view, Unanswered)
    assert away.infos == here.infos
    assert TARGET.name.normal in away.infos
    elsewhere = look(observer, Host(name="gpu-1", url=f"{url}/x"))
    assert elsewhere.infos == {}
