"""Load the presets that come with Fettle and the user's own, and report faults in files."""

import os
from pathlib import Path

import pytest

from presets.loader import BUILTIN_FOLDER, load_preset, load_presets, load_recipes
from presets.yaml_file import PresetRefused

GOOD = """id: my-own
title: My own
summary: Only what I want.
expect: I do not know
how_long: about a minute
time_budget_s: 30
recipes:
  - title: INT8
    runtime: openvino
    steps:
      - technique: int8_static
"""


def written(folder: Path, text: str, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_presets_for_a_language_model_are_its_own() -> None:
    """Given a language model, Then its four presets are offered; other models get the six."""
    catalog = load_presets()
    ids = [preset.id for preset in catalog.for_task("language-model")]
    assert ids == ["fastest-chat", "fits-memory", "no-change", "chat-anywhere"]
    assert catalog.usual_for("language-model").id == "fastest-chat"
    assert (catalog.usual_for("image-classification").id, len(catalog.for_task(""))) == ("balanced", 6)


def test_presets_are_in_the_order_of_the_cards() -> None:
    """Given no file of the user, Then the ten presets are loaded, balanced first."""
    catalog = load_presets()
    ids = "balanced fastest smallest no-loss small-device busy-server fastest-chat fits-memory no-change chat-anywhere"
    assert [preset.id for preset in catalog.presets] == ids.split()
    assert catalog.problems == ()


@pytest.mark.parametrize("path", sorted(BUILTIN_FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_preset_is_named_as_its_file_and_fits_its_card(path: Path) -> None:
    preset = load_preset(path)
    assert preset.id == path.stem
    assert len(preset.summary) <= 120
    assert 0 < preset.max_loss_pct <= 1
    for text in (preset.title, preset.summary, preset.expect, preset.how_long):
        assert "quantiz" not in text.lower()  # plain words on the cards


def test_own_presets_follow_those_of_fettle(tmp_path: Path) -> None:
    """Given a file in the user's folder, Then it can be chosen by its id."""
    written(tmp_path, GOOD)
    catalog = load_presets(tmp_path)
    assert catalog.presets[-1] == catalog.get("my-own")
    assert catalog.get("my-own").max_loss_pct == 1.0


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("title: My own\n", "", 1, "“title”: this part is missing"),
        ("time_budget_s: 30", "time_budget_s: soon", 6, "“time_budget_s”"),
        ("time_budget_s: 30", "time_budget_s: -3", 6, "greater than 0"),
        ("expect:", "expects:", 1, "“expect”: this part is missing"),
        ("    runtime: openvino", "    runtime: openvino\n    speed: high", 10, "“recipes.0.speed”"),
        ("      - technique: int8_static", "      - technik: int8_static", 11, "recipes.0.steps.0"),
        ("title: My own", "title: My own\ntitle: Twice", 3, "“title” is there twice"),
        ("id: my-own", "id: My Own", 1, "“id”"),
        ("summary: Only", "summary: 'Only", 3, "quoted scalar"),
        ("summary: Only what I want.", "summary: &a Only\nnote: *a", 4, "references"),
        ("summary: Only what I want.", "summary: !!python/name:os.system x", 3, "constructor"),
        ("title: My own", "\ttitle: My own", 2, "found"),
        ("recipes:", "recipes: []\nothers:", 7, "“recipes”"),
    ],
)
def test_preset_with_a_mistake_is_refused_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    """Given a file with one mistake, when it is loaded, then the error names file, line and the mistake."""
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(PresetRefused) as caught:
        load_preset(path)
    assert words in caught.value.detail
    assert caught.value.line == line
    assert f"{path}, line {line}" in caught.value.detail
    assert caught.value.hint and caught.value.exit_code == 3


@pytest.mark.parametrize(
    "data",
    [b"", b"# nothing\n", b"\xff\xfe\x00\x01", b"x" * 70_000, b"[" * 60_000, b"- a\n- b\n", b"42", b"PK\x03\x04\0\0"],
    ids=["empty", "comment", "binary", "long", "deep", "list", "number", "zip"],
)
def test_file_that_is_no_preset_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(data)
    with pytest.raises(PresetRefused, match=r"wrong\.yaml"):
        load_preset(path)


def test_missing_preset_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PresetRefused, match="cannot be opened"):
        load_preset(tmp_path / "none.yaml")


def test_faulty_own_file_hides_no_other_preset(tmp_path: Path) -> None:
    """Given a broken file, one with an id of Fettle and a pipe, Then both files are reported, and others can be used."""
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe.yaml")
    written(tmp_path, "id: [", "broken.yaml")
    written(tmp_path, GOOD.replace("my-own", "balanced"), "taken.yaml")
    written(tmp_path, GOOD, "a.yaml")
    written(tmp_path, GOOD, "b.yaml")
    written(tmp_path, "nothing", "readme.txt")
    catalog = load_presets(tmp_path)
    assert len(catalog.presets) == 11
    assert catalog.get("balanced").title == "Balanced"
    details = [problem.detail for problem in catalog.problems]
    assert len(details) == 3
    assert any("belongs to a preset that comes with Fettle" in detail for detail in details)
    assert any("belongs to a.yaml" in detail for detail in details)


def test_unknown_preset_id_names_the_known_ones() -> None:
    with pytest.raises(PresetRefused) as caught:
        load_presets().get("quickest")
    assert "balanced, fastest" in caught.value.hint


def test_recipes_are_loaded_from_one_a_list_or_a_preset(tmp_path: Path) -> None:
    one = written(tmp_path, "title: One\nsteps:\n  - technique: bf16\nruntime: openvino\n", "one.yaml")
    many = written(tmp_path, "- title: A\n- title: B\n", "many.yaml")
    assert [recipe.title for recipe in load_recipes(one)] == ["One"]
    assert [recipe.title for recipe in load_recipes(many)] == ["A", "B"]
    assert [recipe.title for recipe in load_recipes(written(tmp_path, GOOD))] == ["INT8"]
    with pytest.raises(PresetRefused, match="line 2"):
        load_recipes(written(tmp_path, "- title: A\n- titel: B\n", "wrong.yaml"))
    with pytest.raises(PresetRefused, match="empty"):
        load_recipes(written(tmp_path, "[]\n", "none.yaml"))
