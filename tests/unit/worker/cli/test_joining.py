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
def test_an_error_of_a_command_is_printed_and_has_its_exit_code(
    error, code, told, capsys
):
    assert joining.run("ps", failing(error)) == code
    assert capsys.readouterr().err == f"ollama-warmup ps: {told}"


def test_a_wrong_variable_is_printed_and_has_exit_code_2(monkeypatch, capsys):
    monkeypatch.setenv("OLLAMA_WARMUP_TYPO", "1")

    assert joining.run("ps", lambda: 0) == 2
    assert "unknown variable OLLAMA_WARMUP_TYPO" in capsys.readouterr().err


def test_a_command_without_an_error_has_its_own_exit_code():
    assert joining.run("ps", lambda: 1) == 1
