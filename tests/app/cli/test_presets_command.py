"""`fettle presets`: list, show, add."""

import json
from pathlib import Path

import pytest

from app.cli.main import main
from presets.loader import load_preset, load_presets
from presets.own_presets import preset_text, save_preset
from workers.contracts.specs import Recipe


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def own_file(folder: Path, preset_id: str = "mine") -> Path:
    base = load_presets().get("balanced")
    path = folder / "somewhere.yaml"
    path.write_text(preset_text(base.model_copy(update={"id": preset_id, "title": "Mine"})), encoding="utf-8")
    return path


@pytest.mark.parametrize("command", [["presets"], ["presets", "list"]])
def test_all_are_listed(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Given a fresh data folder, then the six that come with Fettle are listed, as words and as JSON."""
    assert main(command) == 0
    assert "balanced" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["presets"]
    assert {row["id"] for row in rows} >= {"balanced", "fastest", "smallest", "no-loss", "small-device", "busy-server"}
    assert not any(row["own"] for row in rows)


def test_what_is_shown_can_be_added_under_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a preset as it is shown, when its id is changed and it is added, then it is there with the same recipes."""
    assert main(["presets", "show", "fastest"]) == 0
    text = capsys.readouterr().out
    path = tmp_path / "f.yaml"
    path.write_text(text.replace("id: fastest", "id: mine", 1), encoding="utf-8")
    assert main(["presets", "add", str(path)]) == 0
    assert main(["presets", "show", "mine", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["recipes"] == load_presets().get("fastest").model_dump(mode="json")["recipes"]
    assert main(["presets", "list", "--json"]) == 0
    rows = {row["id"]: row["own"] for row in json.loads(capsys.readouterr().out)["presets"]}
    assert rows["mine"] is True


def test_what_is_no_preset_is_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a file with a mistake, one whose id is taken, and none, then exit code 3 or 2 in words; nothing is kept."""
    wrong = tmp_path / "w.yaml"
    wrong.write_text("id: mine\ntitle: Mine\nrecipez: []\n", encoding="utf-8")
    assert main(["presets", "add", str(wrong)]) == 3
    assert "w.yaml, line" in capsys.readouterr().err
    assert main(["presets", "add", str(own_file(tmp_path, "balanced"))]) == 3
    assert "already" in capsys.readouterr().err
    assert main(["presets", "add", str(own_file(tmp_path))]) == 0
    assert main(["presets", "add", str(own_file(tmp_path))]) == 3
    assert main(["presets", "add", str(tmp_path / "none.yaml")]) in (2, 3)
    assert main(["presets", "show", "none"]) == 2
    assert [path.name for path in (home / "presets").iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("title", "preset_id"),
    [("My shop", "my-shop"), ("Größe  zählt", "groe-zahlt"), ("日本", "own"), ("Balanced", "balanced-2")],
)
def test_names_become_ids(tmp_path: Path, title: str, preset_id: str) -> None:
    """Given a name in a person's own words, then the saved file has a plain id of its own and reads back the same."""
    base = load_presets().get("balanced")
    recipe = Recipe(title="One", runtime="openvino", settings={"num_threads": 1})
    saved = save_preset(base.model_copy(update={"recipes": (recipe,)}), title, tmp_path)
    assert saved.id == preset_id
    assert load_preset(tmp_path / f"{preset_id}.yaml") == saved
    again = save_preset(base, title, tmp_path)
    assert again.id not in (saved.id, base.id)
