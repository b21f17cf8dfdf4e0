"""Small things that a person meets in the window, by a real mouse and real keys."""

from pathlib import Path

import pytest
from rig import Start
from small_model import write_model, write_pictures


@pytest.mark.timeout(600)
def test_questions_escape_guide_and_errors(start: Start, tmp_path: Path) -> None:
    """Given a folder that could be a model or data, Then the question can be cancelled by a click, and the person
    shows which it is; the labels' origin is in one place, and the goal states once that they are too few; Escape
    leads from Customize back to the cards. When a task of the guide is pressed, Then it is shown, and Back leads to the
    guide; its search keeps only the terms with what is typed. An error of a damaged file offers another file first, by
    mouse and by Tab."""
    model = write_model(tmp_path / "colors.onnx")
    both = write_pictures(tmp_path / "both", each=8)
    write_model(both / "also.onnx")
    program = start(str(model))
    program.until_page("model", "full", 30)
    program.drop(both)
    program.until(lambda view: view.modal == "Is this a model or your data?", 15, "the question")
    program.press("Cancel")
    program.until(lambda view: not view.modal and view.page == "model" and view.state == "full", 15, "the page Model")
    program.drop(both)
    program.until(lambda view: view.modal == "Is this a model or your data?", 15, "the question")
    program.press("It is my data")
    program.until_page("data", "full", 60)
    view = program.until_text("The labels match the model’s answers", "Examples of each kind")
    assert "The labels are the names" not in view.texts

    program.keys("ctrl+3")
    program.until_page("goal", "full", 30)
    view = program.until_text("cannot prove a limit of 1 %")
    assert "That is at most" not in view.texts
    program.press("Customize…")
    program.until_page("goal", "recipes", 15)
    program.keys("Escape")
    program.until_page("goal", "full", 15)

    program.keys("F1")
    program.until_page("guide", "full", 15)
    program.until_text("Understand the verdict", "BF16")
    program.press("Understand the verdict")
    program.until_page("guide", "task")
    program.press("Back to the guide")
    program.until_page("guide", "full")
    program.click(lambda view: view.find("Search the words", "SearchField"), "the search")
    program.type("quantized")
    view = program.until(lambda view: "BF16" not in view.texts, 10, "fewer words")
    assert "Quantization" in view.texts
    program.keys("F1")

    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\x08\x07damaged")
    program.drop(bad)
    view = program.until_page("model", "error", 60)
    assert "Find a safe one in the hub" not in view.texts
    choose = view.find("Choose another file…")
    assert choose is not None and choose.kind == "PrimaryButton"
    for _ in range(12):
        program.keys("Tab")
        focus = next((item for item in program.see().items if item.focus), None)
        if focus is not None and focus.text == "Choose another file…":
            break
    order = []
    for _ in range(2):
        program.keys("Tab")
        order += [item.text for item in program.see().items if item.focus]
    assert order == ["Look in the hub", "Copy a note to its maker"]
    assert program.errors.read_text(encoding="utf-8") == ""
