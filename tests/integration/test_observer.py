"""What is known of a host's models outlives an answer that does not come."""

import asyncio
import time

from ollama_warmup import request
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host
from tests.support.recorder import recorder
from worker.adapters.observer import Observer
from worker.core.domain import Unanswered

TARGET = Target.of(request.parse("tiny"), host="gpu-1")


async def look(observer, host):
    seen = [looks async for looks in observer.look([host], {"gpu-1": [TARGET]})]
    return seen[0]["gpu-1"]


def test_the_observer_remembers_the_models_of_a_host_that_is_away():
    observer = Observer(monotonic=time.monotonic)
    with recorder() as (url, _):
        host = Host(name="gpu-1", url=url)
        here = asyncio.run(look(observer, host))

    away = asyncio.run(look(observer, host))

    assert isinstance(away.view, Unanswered)
    assert away.infos == here.infos
    assert TARGET.name.normal in away.infos
    elsewhere = asyncio.run(look(observer, Host(name="gpu-1", url=f"{url}/x")))
    assert elsewhere.infos == {}
