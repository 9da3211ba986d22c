import stat

import pytest

from worker.cli.place import NoPlace, Place, RunsAlready


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Place("tests")


def test_who_runs_is_found_while_it_runs(place):
    assert place.environment() == {}

    with place.locked(), place.published({"NAME": "a=b"}):
        assert place.environment() == {"NAME": "a=b"}

    assert place.environment() == {}


def test_what_a_crash_left_is_not_believed(place):
    with place.locked(), place.published({"NAME": "value"}):
        left = (place.folder / "environment").read_text()
    (place.folder / "environment").write_text(left)

    assert place.environment() == {}


def test_a_second_one_is_refused(place):
    with (
        place.locked(),
        pytest.raises(RunsAlready, match="runs already"),
        place.locked(),
    ):
        pass


def test_nobody_else_may_read_it(place):
    with place.locked(), place.published({"NAME": "secret"}):
        modes = [p.stat().st_mode for p in (place.folder, *place.folder.iterdir())]

    assert [mode & (stat.S_IRWXG | stat.S_IRWXO) for mode in modes] == [0, 0, 0]


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(place, tmp_path):
    (tmp_path / "ollama-warmup").write_text("a file")

    with pytest.raises(NoPlace, match="set XDG_STATE_HOME"), place.locked():
        pass
