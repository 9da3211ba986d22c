import json
import threading

import httpx
import pytest

from ollama_warmup import errors
from tests.support.answering import ollama_that
from worker.core.domain import Progress, Tag

DIGEST = "sha256:" + "a" * 64
MANIFEST = {"status": "pulling manifest"}
SUCCESS = {"status": "success"}


def part(completed, *, digest=DIGEST, total=4_000_000_000):
    row = {"status": "pulling aaaaaaaaaaaa", "digest": digest, "total": total}
    return row | ({"completed": completed} if completed else {})


def tells(*rows, broken=None):
    """A host that streams these rows, and may then break off."""

    def stream():
        for row in rows:
            yield json.dumps(row).encode() + b"\n"
        if broken:
            raise broken

    return ollama_that(lambda _: httpx.Response(200, content=stream()))


def pulled(ollama):
    with ollama.pull("m") as download:
        assert download.wait(5)
        download.check()
    return download


def test_a_pull_asks_for_the_model_and_ends_with_its_success():
    sent = []

    def answer(request):
        sent.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(200, content=b'{"status":"success"}\n')

    pulled(ollama_that(answer))

    assert sent == [("POST", "/api/pull", {"model": "m"})]


def test_progress_is_the_sum_of_all_parts():
    small = part(600, digest="sha256:b", total=600)

    download = pulled(tells(MANIFEST, part(0), part(1_000), small, SUCCESS))

    assert download.heard == 5
    assert download.progress == Progress(
        status="success", completed_bytes=1_600, total_bytes=4_000_000_600
    )


@pytest.mark.parametrize(
    ("status", "finishing"),
    [
        ("", False),
        ("pulling manifest", False),
        ("pulling aaaaaaaaaaaa", False),
        ("verifying sha256 digest", True),
        ("writing manifest", True),
    ],
)
def test_a_download_is_finishing_once_all_its_bytes_have_come(status, finishing):
    assert Progress(status=status).is_finishing is finishing


GET = 'Get "https://registry.ollama.ai/v2/library/m/manifests/latest": '
FULL = "write /m/blobs/sha256-aa-partial: no space left on device"
TEXTS = [
    (FULL, errors.DiskFull, "free space on the disk"),
    ("write C:\\m: There is not enough space on the disk.", errors.DiskFull, "free"),
    ("write /m: disk quota exceeded", errors.DiskFull, "free space"),
    (
        "pull model manifest: file does not exist",
        errors.UnknownModel,
        "has no model of this name",
    ),
    ("open /m: permission denied", errors.Refused, "may not write"),
    ("open /m: read-only file system", errors.Refused, "may not write"),
    (
        "pull model manifest: 412: this model requires a newer version of Ollama.",
        errors.Refused,
        "will not help",
    ),
    ("unauthorized: access denied", errors.Refused, "does not hand this model"),
    ("pull model manifest: 403: forbidden", errors.Refused, "does not hand"),
    (
        f"pull model manifest: {GET}dial tcp: lookup x: no such host",
        errors.PullFailed,
        "does not reach the registry",
    ),
    (f"{GET}dial tcp 1.2.3.4:443: i/o timeout", errors.PullFailed, "does not reach"),
    (f"{GET}net/http: TLS handshake timeout", errors.PullFailed, "does not reach"),
    ("max retries exceeded: unexpected EOF", errors.PullFailed, "does not reach"),
    ("read tcp: connection reset by peer", errors.PullFailed, "does not reach"),
    (
        "digest mismatch, file must be downloaded again: want a, got b",
        errors.PullFailed,
        "damaged on the way",
    ),
    ("pull model manifest: 503: busy", errors.PullFailed, "may help"),
    ("something new", errors.PullFailed, "may help"),
]


@pytest.mark.parametrize(("text", "error", "advice"), TEXTS)
def test_an_error_in_the_stream_is_our_error_with_ollamas_own_words(
    text, error, advice
):
    with pytest.raises(error, match=advice) as caught:
        pulled(tells(MANIFEST, {"error": text}))

    assert type(caught.value) is error
    assert text in str(caught.value)
    assert "gpu-1" in str(caught.value)
    assert "ollama pull" not in str(caught.value)


def test_a_full_disk_says_how_much_was_needed_and_where():
    with pytest.raises(errors.DiskFull, match=r"with 1\.5 of 4\.0 GB there") as caught:
        pulled(tells(MANIFEST, part(1_500_000_000), {"error": FULL}))

    assert "gpu-1 (http://gpu:11434)" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, {"json": {"error": FULL}}, errors.DiskFull),
        (404, {"json": {"error": "model 'm' not found"}}, errors.PullFailed),
        (404, {"text": "404 page not found"}, errors.Refused),
        (400, {"json": {"error": "invalid model name"}}, errors.Refused),
        (502, {"text": "bad gateway"}, errors.OllamaUnreachable),
        (503, {"text": "busy"}, errors.OllamaBusy),
    ],
)
def test_a_refused_pull_is_the_error_of_its_status(status, body, error):
    with pytest.raises(error) as caught:
        pulled(ollama_that(lambda _: httpx.Response(status, **body)))

    assert "ollama pull" not in str(caught.value)


def test_a_stream_without_success_has_ended_early():
    with pytest.raises(errors.PullFailed, match=r"early with 1\.0 of 4\.0 GB there"):
        pulled(tells(MANIFEST, part(1_000_000_000)))


def test_a_stream_that_breaks_off_is_to_be_resumed():
    cut = httpx.RemoteProtocolError("peer closed connection")

    with pytest.raises(errors.PullFailed, match="was its Ollama restarted") as caught:
        pulled(tells(MANIFEST, broken=cut))

    assert caught.value.__cause__ is cut


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("refused"), httpx.ConnectTimeout("")]
)
def test_a_host_that_does_not_answer_is_unreachable(failure):
    def answer(_):
        raise failure

    with pytest.raises(errors.OllamaUnreachable, match="is Ollama running there"):
        pulled(ollama_that(answer))


@pytest.mark.parametrize("line", [b"<html>login</html>\n", b"[1]\n"])
def test_a_stream_that_is_not_ollamas_is_refused(line):
    ollama = ollama_that(lambda _: httpx.Response(200, content=line))

    with pytest.raises(errors.OllamaUnreachable, match="as no Ollama does"):
        pulled(ollama)


def test_leaving_a_pull_closes_its_request():
    more, closed = threading.Event(), threading.Event()

    class Stream(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                yield json.dumps(part(1)).encode() + b"\n"
                more.wait(0.01)

        def close(self):
            closed.set()

    with ollama_that(lambda _: httpx.Response(200, stream=Stream())).pull("m") as d:
        assert not d.wait(0.05)

    assert closed.is_set()


def test_the_models_that_a_host_has_are_known_by_their_normal_names():
    rows = [
        {"name": "M:latest", "digest": "d1", "size": 7},
        {"name": "hf.co/a/b:Q4", "digest": "d2"},
    ]
    ollama = ollama_that(lambda _: httpx.Response(200, json={"models": rows}))

    assert ollama.tags() == {
        "registry.ollama.ai/library/m:latest": Tag(digest="d1", size_bytes=7),
        "hf.co/a/b:q4": Tag(digest="d2", size_bytes=0),
    }
