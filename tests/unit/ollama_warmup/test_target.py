import pytest

from ollama_warmup import request
from ollama_warmup.errors import UnknownHost
from ollama_warmup.target import resolve

HOSTS = ("gpu-2", "gpu-1")


def test_a_request_without_a_host_means_the_first_one():
    assert resolve(request.parse("m"), hosts=HOSTS).host == "gpu-2"


def test_a_request_keeps_its_host_and_what_it_asks_for():
    wanted = request.parse("m?num_ctx=512&keep_alive=5m", host="gpu-1")

    target = resolve(wanted, hosts=HOSTS)

    assert target.host == "gpu-1"
    assert target.options.num_ctx == 512
    assert target.keep_alive_s == 300


def test_a_host_that_is_not_configured_is_refused_with_those_that_are():
    with pytest.raises(UnknownHost, match="the hosts are gpu-2, gpu-1"):
        resolve(request.parse("m", host="gpu-3"), hosts=HOSTS)
