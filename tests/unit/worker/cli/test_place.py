import stat

import pytest

from worker.cli.place import NoPlace, Place, RunsAlready


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Place("tests")


def test_the_environment_of_a_running_system_is_found_while_it_runs(place):
    assert place.environment() == {}

    with place.locked(), place.published({"NAME": "a=b"}):
        assert place.environment() == {"NAME": "a=b"}

    assert place.environment() == {}


def test_an_environment_that_a_crash_left_behind_is_not_used(place):
    with place.locked(), place.published({"NAME": "value"}):
        left = (place.folder / "environment").read_text()
    (place.folder / "environment").write_text(left)

    assert place.environment() == {}


def test_a_second_system_in_the_same_place_is_refused(place):
    with (
        place.locked(),
        pytest.raises(RunsAlready, match="runs already"),
        place.locked(),
    ):
        pass


def test_only_its_owner_may_read_the_place_of_a_system(place):
    with place.locked(), place.published({"NAME": "secret"}):
        modes = [p.stat().st_mode for p in (place.folder, *place.folder.iterdir())]

    assert [mode & (stat.S_IRWXG | stat.S_IRWXO) for mode in modes] == [0, 0, 0]


def test_a_folder_that_cannot_be_made_is_refused_with_the_variable_to_set(
    place, tmp_path
):
    (tmp_path / "ollama-warmup").write_text("a file")

    with pytest.raises(NoPlace, match="set XDG_STATE_HOME"), place.locked():
        pass
