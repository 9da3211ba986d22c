import asyncio
import gzip
import json

import httpx
import pytest

from ollama_warmup import callcounts, count_cold_hits
from ollama_warmup.met import Call

URL = "http://gpu:11434"
METRICS = {"total_duration": 900, "load_duration": 1_500_000_000, "eval_count": 3}
CHAT = [
    {"model": "m:1", "message": {"content": 'a "load_duration":7, b'}, "done": False},
    {"model": "m:1", "message": {"content": ""}, "done": True, **METRICS},
]
CALL = Call(url=URL, model="m:1", load_s=1.5)
HOOKS = {"response": [count_cold_hits]}


@pytest.fixture
def counted(monkeypatch):
    calls: list[Call] = []
    monkeypatch.setattr(callcounts, "add", calls.append)
    return calls


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces of so many bytes, and may break off."""

    def __init__(self, body, size, *, breaks=False):
        self.pieces = [body[i : i + size] for i in range(0, len(body), size)]
        self.breaks = breaks
        self.is_closed = False

    def __iter__(self):
        yield from self.pieces
        if self.breaks:
            raise httpx.ReadError("cut")

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self):
        self.is_closed = True

    async def aclose(self):
        self.is_closed = True


def lines(*objects):
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def client(body, status=200, **headers):
    if isinstance(body, bytes):
        body = Chunks(body, 10)
    transport = httpx.MockTransport(
        lambda _: httpx.Response(status, stream=body, headers=headers)
    )
    return httpx.Client(base_url=URL, transport=transport, event_hooks=HOOKS)


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_a_stream_is_handed_on_byte_by_byte_and_its_last_object_is_read(counted, size):
    body = Chunks(lines(*CHAT), size)

    with client(body).stream("POST", "/api/chat") as answer:
        got = list(answer.iter_raw())

    assert got == body.pieces
    assert body.is_closed
    assert counted == [CALL]


@pytest.mark.parametrize("size", [1, 64, 100_000])
def test_an_asynchronous_stream_is_handed_on_byte_by_byte_and_counted(counted, size):
    body = Chunks(lines(*CHAT), size)

    async def ask():
        transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
        async with (
            httpx.AsyncClient(
                base_url=URL, transport=transport, event_hooks=HOOKS
            ) as asking,
            asking.stream("POST", "/api/chat") as answer,
        ):
            return [piece async for piece in answer.aiter_raw()]

    assert asyncio.run(ask()) == body.pieces
    assert body.is_closed
    assert counted == [CALL]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/generate", {"response": "x" * 9_000, "context": [1] * 9_000}),
        ("/api/chat", {"message": {"content": "hi"}}),
        ("/api/embed", {"embeddings": [[0.5] * 9_000]}),
    ],
)
def test_a_whole_answer_is_counted_however_long(counted, path, answer):
    body = {"model": "m:1"} | answer | METRICS | {"logprobs": [{"token": "x"}] * 900}

    assert client(lines(body)).post(path).json() == body
    assert counted == [CALL]


def test_a_reader_that_stops_at_the_done_object_is_counted_once(counted):
    with client(lines(*CHAT, *CHAT)).stream("POST", "/api/chat") as answer:
        next(line for line in answer.iter_lines() if json.loads(line)["done"])

    assert counted == [CALL]


def test_a_call_of_a_server_behind_a_path_is_counted_with_that_path(counted):
    client(lines(*CHAT)).post("/gpu/api/chat?x=1")

    assert [call.url for call in counted] == [f"{URL}/gpu"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/chat/completions", lines(*CHAT), 200),
        ("/api/show", lines(*CHAT), 200),
        ("/api/chat", lines(*CHAT), 404),
        ("/api/chat", lines(CHAT[0]), 200),
        ("/api/chat", b"no JSON at all", 200),
        ("/api/chat", b'{"model":"m","load_duration":"soon"}', 200),
        ("/api/chat", b"", 200),
    ],
    ids=["v1", "other", "error", "early end", "no JSON", "no number", "empty"],
)
def test_an_answer_without_a_load_duration_is_not_counted(counted, path, body, status):
    answer = client(body, status).post(path)

    assert answer.content == body
    assert counted == []


def test_a_compressed_answer_is_left_alone(counted):
    packed = gzip.compress(lines(*CHAT))
    answer = client(packed, **{"content-encoding": "gzip"}).post("/api/chat")

    assert answer.content == lines(*CHAT)
    assert counted == []


def test_an_answer_without_a_model_is_counted_under_none(counted):
    client(lines(METRICS)).post("/api/chat")

    assert [call.model for call in counted] == [""]


def test_a_hook_before_this_one_may_read_the_answer(counted):
    with client(lines(*CHAT)) as asking:
        asking.event_hooks = {"response": [httpx.Response.read, count_cold_hits]}
        asking.post("/api/chat")

    assert counted == [CALL]


def test_a_stream_that_is_cut_fails_with_the_error_of_httpx(counted):
    body = Chunks(lines(CHAT[0]), 10, breaks=True)

    with pytest.raises(httpx.ReadError, match="cut"):
        client(body).post("/api/chat")

    assert body.is_closed
    assert counted == []


def test_a_failure_to_count_a_call_is_logged_and_not_raised(monkeypatch, caplog):
    def broken(_):
        raise RuntimeError("ours")

    monkeypatch.setattr(callcounts, "add", broken)

    assert client(lines(*CHAT)).post("/api/chat").content == lines(*CHAT)
    assert "A call of Ollama is not counted" in caplog.text
