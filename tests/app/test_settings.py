"""Tests of settings and log: read first, written atomically, and never a reason not to start."""

import json
import logging
import os
import stat
from pathlib import Path

import pytest

from app.files import write_whole
from app.first_settings import FirstSettings, read_first_settings
from app.logging_setup import open_log
from app.paths import DataFolderUnusable, DataPaths, prepare
from app.settings import SavedSettings, Settings, load_settings, save_settings

FAR = f'{{"memory_limit_bytes": {10**30}}}'
"""A limit that the operating system does not take: each job would fail."""


def test_saved_settings_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert load_settings(path)[0] == Settings()
    wanted = Settings(theme="dark", threads=3, memory_limit_bytes=2 << 30, window_geometry="AdnQ")
    save_settings(path, wanted)
    assert load_settings(path) == (wanted, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("text", ["", "{", '{"theme": "pink"}', '{"threads": 0}', FAR, "\0"])
def test_damaged_settings_are_reported_and_set_aside(tmp_path: Path, text: str) -> None:
    """Given an invalid file, when settings are loaded, then the defaults are used, and the file is renamed."""
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="utf-8")
    settings, problem = load_settings(path)
    assert settings == Settings()
    assert "could not be used" in problem
    assert (tmp_path / "settings.json.damaged").read_text(encoding="utf-8") == text
    assert load_settings(path)[1] == ""


def test_unreadable_settings_are_reported(tmp_path: Path) -> None:
    (tmp_path / "settings.json").mkdir()
    assert "cannot be read" in load_settings(tmp_path / "settings.json")[1]


def test_each_shown_setting_has_title_and_description() -> None:
    for facts in Settings.model_json_schema()["properties"].values():
        assert facts.get("hidden") or (facts["title"] and facts["description"])


def test_full_disk_keeps_the_old_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a full disk, when settings are saved, then an error is raised, and the old file is the only one."""
    path = tmp_path / "settings.json"
    save_settings(path, Settings(theme="dark"))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.files.os.fsync", full)
    with pytest.raises(DataFolderUnusable) as caught:
        save_settings(path, Settings(theme="light"))
    monkeypatch.undo()
    assert caught.value.code == "disk_full"
    assert load_settings(path)[0].theme == "dark"
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 100 + ".json")
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two" and len(list(tmp_path.iterdir())) == 1


def test_log_is_in_the_data_folder_in_utc(tmp_path: Path) -> None:
    """Given an open log, when a package of the program logs, then the record is in the file; after closing nothing is
    added."""
    paths = prepare(DataPaths(tmp_path))
    log = open_log(paths)
    logging.getLogger("app.somewhere").info("a name that is no text: %s", os.fsdecode(b"\xff"))
    logging.getLogger("elsewhere").warning("not ours")
    log.close()
    logging.getLogger("app.somewhere").info("too late")
    lines = (paths.logs / "fettle.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 and "Z INFO app.somewhere: a name" in lines[0]


def test_log_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.logging_setup.MAX_BYTES", 2000)
    paths = prepare(DataPaths(tmp_path))
    log = open_log(paths, "debug")
    for _ in range(300):
        logging.getLogger("workers.x").debug("x" * 50)
    log.close()
    files = list(paths.logs.iterdir())
    assert len(files) == 6 and all(path.stat().st_size <= 2000 for path in files)


def test_full_disk_is_reported_once_by_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = open_log(prepare(DataPaths(tmp_path)))

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.logging_setup._QuietFile.flush", full)
    logging.getLogger("app").info("one")
    logging.getLogger("app").info("two")
    log.close()
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_missing_log_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataFolderUnusable):
        open_log(DataPaths(tmp_path / "none"))


def test_settings_of_a_newer_version_are_kept(tmp_path: Path) -> None:
    """Given a setting that this version does not know, When another one is changed, Then the file has both."""
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark", "of_tomorrow": [1]}', encoding="utf-8")
    settings, problem = load_settings(path)
    SavedSettings(path, settings).save(threads=2)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert not problem and (kept["theme"], kept["threads"], kept["of_tomorrow"]) == ("dark", 2, [1])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "\xff", "[" * 100_000, '{"theme": "pink"}', '{"text_percent": "150"}', '{"last_page": 1}'],
)
def test_damaged_settings_show_the_first_paint_by_the_defaults(tmp_path: Path, text: str) -> None:
    """Given an invalid file, when the first settings are read, then they are the defaults, and the file stays."""
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="latin-1")
    assert read_first_settings(path) == FirstSettings() == read_first_settings(tmp_path / "none")
    assert path.read_text(encoding="latin-1") == text


def test_the_first_settings_are_those_of_the_file(tmp_path: Path) -> None:
    """Given saved settings, then the first paint has the same values, and the defaults are the same, too."""
    path = tmp_path / "settings.json"
    changed = {"theme": "dark", "language": "de", "text_percent": 150, "last_project_id": "p", "last_page": "goal"}
    for settings in (Settings(), Settings.model_validate({**changed, "window_geometry": "AdnQ"})):
        save_settings(path, settings)
        first = read_first_settings(path)
        assert {name: getattr(settings, name) for name in vars(first)} == vars(first)
