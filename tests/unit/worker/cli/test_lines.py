import pytest

from worker.cli import lines

AT = "[2026-11-23 04:29:05,877: "


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            f"{AT}INFO/ForkPoolWorker-1] Warming up Ollama model: tiny (this may take",
            ["Warming up Ollama model: tiny (this may take"],
        ),
        (
            f"{AT}WARNING/ForkPoolWorker-1] Model warmup failed: x (no)",
            ["Model warmup failed: x (no)"],
        ),
        (f"{AT}ERROR/MainProcess] it [broke]", ["it [broke]"]),
        (f"{AT}INFO/MainProcess] Task ollama.warmup[1] received", []),
        (f"{AT}INFO/ForkPoolWorker-2] Pass: hosts 1, wanted 2, warm 2", []),
        (f"{AT}INFO/ForkPoolWorker-2] tiny on gpu-1 is queued: its load is sent", []),
        (f"{AT}INFO/ForkPoolWorker-2] tiny on gpu-1 is loading (was queued)", []),
        (
            f"{AT}INFO/ForkPoolWorker-2] tiny on gpu-1 is warm (was loading)",
            ["tiny on gpu-1 is warm (was loading)"],
        ),
        (
            f"{AT}INFO/ForkPoolWorker-2] a/b:x on h is queued (was warm): evicted by c",
            ["a/b:x on h is queued (was warm): evicted by c"],
        ),
        (
            f"{AT}INFO/ForkPoolWorker-2] tiny on gpu-1 evicted: evicted by big",
            ["tiny on gpu-1 evicted: evicted by big"],
        ),
        (f"{AT}WARNING/MainProcess] /a/b.py:29: CPendingDeprecationWarning: x", []),
        ("Traceback (most recent call last):", []),
        ("", []),
    ],
)
def test_warm_ups_and_warnings_of_a_worker_are_printed(line, told):
    assert [text for text, _ in lines.events([line])] == told


def test_a_soft_shutdown_is_printed_in_words():
    line = f"{AT}WARNING/MainProcess] Initiating Soft Shutdown, terminating in 20 sec"

    [(text, _)] = lines.events([line])

    assert text == "waits up to 20 s for the warm-ups that it is at"


def test_a_line_that_another_process_has_just_said_is_an_echo():
    echoes = lines.Echoes()

    assert not echoes.is_echo("worker", "it is so", now_s=0)
    assert echoes.is_echo("control", "it is so", now_s=1)
    assert not echoes.is_echo("worker", "it is so", now_s=2)
    assert not echoes.is_echo("control", "it is so", now_s=61)


def test_a_line_that_up_printed_itself_is_an_echo_from_every_process_for_good():
    echoes = lines.Echoes()
    echoes.note(["mend this"])

    assert echoes.is_echo("worker", "mend this", now_s=0)
    assert echoes.is_echo("worker", "mend this", now_s=1_000)
    assert not echoes.is_echo("worker", "mend that", now_s=0)
