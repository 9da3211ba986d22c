import pytest

from ollama_warmup.errors import BadRequest, StoreUnavailable
from worker.cli import joining


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def failing(error):
    def body():
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (BadRequest("it is wrong"), 2, "it is wrong\n"),
        (
            StoreUnavailable("it is away"),
            3,
            "it is away\nStart the system in another terminal: ollama-warmup up\n",
        ),
        (joining.NoReport("none yet"), 4, "none yet\n"),
    ],
)
def test_what_keeps_a_command_from_going_on_is_told_and_has_a_code(
    error, code, told, capsys
):
    assert joining.run("ps", failing(error)) == code
    assert capsys.readouterr().err == f"ollama-warmup ps: {told}"


def test_a_wrong_variable_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("OLLAMA_WARMUP_TYPO", "1")

    assert joining.run("ps", lambda: 0) == 2
    assert "unknown variable OLLAMA_WARMUP_TYPO" in capsys.readouterr().err


def test_who_goes_on_has_its_own_code():
    assert joining.run("ps", lambda: 1) == 1
