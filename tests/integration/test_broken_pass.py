"""A pass that is broken off."""

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from worker import reconcile, runtime
from worker.adapters.observer import Observer


def test_a_broken_pass_unlocks_its_hosts(unserved, environment, monkeypatch):
    def look(*_):
        assert unserved.redis.keys("*:pass:*")
        raise SoftTimeLimitExceeded

    environment(HOSTS="gpu-1=http://127.0.0.1:9", MODELS="llama3:8b")
    monkeypatch.setattr(Observer, "look", look)

    with pytest.raises(SoftTimeLimitExceeded):
        reconcile.run(runtime.deps(), send=lambda *_: None)

    assert unserved.redis.keys("*:pass:*") == []
    runtime.close()
