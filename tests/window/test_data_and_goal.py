"""What a person meets on Data, Goal and Compare's offers, by a real mouse: each offer takes effect, nothing is lost."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from finished_run import finished_folder, write_part
from rig import Start
from small_model import write_model, write_pictures

from app.domain.run import RunState
from app.paths import DataPaths
from app.persistence import open_store


def nothing_faster(home: Path) -> None:
    """A finished run in which the faster version lost 3 % of the right answers, where 1 % was allowed."""
    finished_folder(home)
    with open_store(DataPaths(home / "data")) as store:
        repositories = store.repositories
        run = repositories.runs.get("r1")
        repositories.runs.update(
            dataclasses.replace(run, state=RunState.KEPT_ORIGINAL, recommended_variant_id=None, headline="Keep it")
        )
        lossy = next(variant for variant in repositories.variants.list(run_id="r1") if variant.id == "v1")
        base = lossy.judgement.original_accuracy or 1.0
        report = {"verdict": "regressed", "drop": 0.03 * base, "drop_high": 0.034 * base, "slices": ()}
        repositories.variants.update(dataclasses.replace(lossy, judgement=lossy.judgement.model_copy(update=report)))


def few_pictures(folder: Path, each: int = 8, copies: int = 5) -> Path:
    """Pictures of which each comes several times under other names."""
    for picture in sorted(write_pictures(folder, each=each).rglob("*.png")):
        for number in range(1, copies):
            shutil.copy(picture, picture.with_name(f"copy {number} of {picture.name}"))
    return folder


@pytest.mark.timeout(600)
def test_guesses_labels_doubles_and_the_preparation(start: Start, tmp_path: Path) -> None:
    """Given a model that knows no names and whose preparation is guessed, When that is changed and Continue is pressed,
    Then it counts, and nothing is called guessed any more; When labels are matched, Then they count, also after another
    change reads all again; of 120 pictures of which 24 differ the window shows that before the run, with what they can
    prove; the check of the preparation keeps the focus and shows what it found."""
    program = start(str(write_model(tmp_path / "nameless.onnx", names=False)))
    program.until_page("model", "full", 30)
    program.until_text("partly guessed, please check", "These are right")
    program.click(lambda view: view.find("Mean", "TextField"), "the mean")
    program.keys("ctrl+a")
    program.type("0.1")
    program.press("Continue to data")
    program.until_page("data", "empty", 60)
    program.keys("ctrl+1")
    view = program.until_text("as you set it")
    assert "guessed" not in view.texts
    field = view.find("Mean", "TextField")
    assert field is not None and field.text == "0.1"

    program.keys("ctrl+2")
    program.until_page("data", "empty")
    program.drop(few_pictures(tmp_path / "pictures"))
    program.until_page("data", "full", 60)
    program.press("Match the names…")
    program.until(lambda view: view.modal == "Which answer does each label mean?", 10, "the dialog")
    for color, answer in (("blue", 2), ("green", 1), ("red", 0)):
        program.choose(f"What “{color}” means", answer + 1)
    program.press("Use these names")
    program.until_text("24 pictures of 3 kinds, ready to use", limit_s=60)
    program.keys("ctrl+1")
    program.until_page("model", "full")
    program.click(lambda view: view.find("Mean", "TextField"), "the mean")
    program.keys("ctrl+a")
    program.type("0")
    program.press("Use these")
    program.until_text("nameless", "as you set it", limit_s=60)
    program.keys("ctrl+2")
    program.until_page("data", "full", 60)
    program.until_text(
        "24 pictures of 3 kinds, ready to use",
        "120 pictures, of which 96 are copies of others",
        "20 test examples prove a loss below",
    )
    program.press("Check the preparation")
    view = program.until(lambda view: view.find("Check again"), 90, "what was found")
    again, focus = view.find("Check again"), next(item for item in view.items if item.focus)
    assert again is not None and again.seen[3] > 0  # a card taller than the page is seen from its beginning
    assert focus.text in ("Check again", "Use this one", "Use the one that fits"), focus
    program.keys("ctrl+3")
    program.until_page("goal", "full")
    program.until_text("cannot prove a limit of 1 %", "Add pictures…")
    program.press("Add pictures…")
    view = program.until_page("data", "full")
    program.check_clean()


@pytest.mark.timeout(600)
def test_a_larger_limit_then_two_files_for_a_result(start: Start, tmp_path: Path) -> None:
    """Given a result in which nothing was within the limit, When the offered limit is taken, Then the goal has it; when two
    files are dropped at once, Then the window asks which, and what for, and the old examples can be gone back to."""
    nothing_faster(tmp_path / "home")
    first, second = write_part(tmp_path / "first.npz", 100, 160), write_part(tmp_path / "second.npz", 160, 220)
    program = start(project="p1")
    program.open_compare()
    program.press("Set the limit to 4 %")
    program.until_page("goal", "full")
    program.until_text("at most 4 % less accurate")

    program.drop(first, second)
    program.until(lambda view: view.modal == "Which examples do you want to use?", 15, "the question which")
    program.press("second.npz")
    program.until(lambda view: view.modal == "What are these examples for?", 15, "the question what for")
    program.press("Use these instead")
    program.until_page("data", "full", 60)
    program.until_text("From “second.npz”")
    program.keys("ctrl+5")
    program.until_text("The result is of “some.npz”, and not of “second.npz”")
    program.keys("ctrl+2")
    program.press("Back to “some.npz”")
    program.until_text("From “some.npz”")
    program.check_clean()
