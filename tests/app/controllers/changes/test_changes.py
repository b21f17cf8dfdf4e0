"""Tests of the page "What changed, and why" in the window: two clicks to the answer, and what is stored."""

from pathlib import Path

import pytest
from compared_graphs import blocks, compared
from read_page import press, words
from records import Drive, add_run, judgement, make_project, open_finished, run, shown_page, variant

from app.controllers.app_controller import AppController
from app.controllers.changes import controller as under_test
from app.domain.variant import Variant
from app.services.flow.steps import Flow, WrongRequest
from app.services.machine.devices import describe
from tests.widgets.qt_actions import child, left_click
from widgets.main_window import MainWindow
from widgets.parts.tables.table import Table
from workers.contracts.after.changes import Cause, DiffResult, ExplainResult
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.specs import Recipe

RESULT = compared(blocks(4), cast_every=9)
OTHERS = Recipe(title="Other", elsewhere=Elsewhere(name="other", path="other.onnx", format="onnx", sha256="0" * 64))
CAUSE = Cause(code="scale", parameter="scale", before=1, after=255, share_differing_after=0.0, text="Other scale.")


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> dict[str, DiffResult]:
    """Replace the jobs by ones that describe the computer; comparisons are kept by the version's id."""
    kept: dict[str, DiffResult] = {}

    def compare(_space: object, _facts: object, version: Variant) -> Flow[DiffResult]:
        yield from describe()
        kept[version.id] = RESULT
        return RESULT

    def explain(*_given: object) -> Flow[ExplainResult]:
        yield from describe()
        return ExplainResult(agree=False, share_differing=0.2, causes=(CAUSE,), n_items=8)

    monkeypatch.setattr(under_test, "compare_versions", compare)
    monkeypatch.setattr(under_test, "stored_comparison", lambda _space, _facts, version: kept.get(version.id))
    monkeypatch.setattr(under_test, "explain_version", explain)
    return kept


def click_why(window: MainWindow, row: int) -> None:
    """Click "Why?" beside a version on Compare."""
    table = child(window.page("compare"), Table)
    index = table.model().index(row, table.model().columnCount() - 1)
    assert index.data() == "Why?"
    left_click(table.viewport(), table.visualRect(index).center())


@pytest.mark.parametrize(("row", "verdict", "changed"), [(1, "Safe to ship", 0), (2, "Silent regression", 9)])
def test_two_clicks_lead_from_the_verdict_to_the_answer(
    app_controller: AppController, window: MainWindow, comparisons: dict[str, DiffResult], drive: Drive,
    row: int, verdict: str, changed: int,
) -> None:  # fmt: skip
    """Given a safe version and a regressed file from elsewhere, when "Why?" beside it and then the offer are clicked,
    then the reasons are shown, and for other answers also their cause."""
    bad = judgement(verdict="regressed", changed_count=9, agreement=0.9, drop=0.09, drop_high=0.1)
    session = app_controller.session
    session.reopen(make_project(session.workspace))
    versions = (variant(0), variant(1, speedup=2.0, judgement=judgement(changed_count=0)))
    made = run(1, data_key="data", recommended_variant_id="r1-v1")
    session.set_run(add_run(session.workspace, made, *versions, variant(2, speedup=2.5, judgement=bad, recipe=OTHERS)))
    window.show_page("compare")
    table = child(window.page("compare"), Table).model()
    assert table.index(row, 5).data() == verdict
    click_why(window, row)
    page = window.page("changes")
    assert window.current_page == "changes"
    press(page, "Show what changed, and why answers differ" if changed else "Show what changed")
    drive(lambda: page.state != "loading")
    assert list(comparisons) == [f"r1-v{row}"]
    assert "All products run in 8 bits" in words(page)
    assert ("Other scale." in words(page)) == bool(changed)


def test_failed_explanation_keeps_the_comparison(
    app_controller: AppController, window: MainWindow, comparisons: dict[str, DiffResult], drive: Drive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Given an explanation that is refused, then the comparison is shown, and the banner says why the cause is not."""

    def refuse(*_given: object) -> Flow[ExplainResult]:
        yield from describe()
        raise WrongRequest("no_examples", "There are no examples to compare on", "It was made up.", "Add some.")

    monkeypatch.setattr(under_test, "explain_version", refuse)
    open_finished(app_controller.session, variant(2, speedup=2.0, recipe=OTHERS))
    page = shown_page(window, "changes")
    page.version_chosen.emit("r1-v2")
    page.compare_requested.emit()
    drive(lambda: page.state != "loading")
    assert "There are no examples to compare on" in words(window)
    assert "All products run in 8 bits" in words(page)


def test_comparison_is_saved(
    app_controller: AppController, window: MainWindow, comparisons: dict[str, DiffResult], tmp_path: Path
) -> None:
    """Given a comparison, when it is saved, then the page or the picture is there with both names; a folder that does
    not exist is an error."""
    comparisons["r1-v1"] = RESULT
    open_finished(app_controller.session)
    page = shown_page(window, "changes")
    for name, begin in (("x.html", "<!doctype html>"), ("x.svg", "<svg ")):
        page.save_requested.emit(str(tmp_path / name))
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.startswith(begin) and "What changed between Original and Version 1" in text
        assert name in words(page)
    page.save_requested.emit(str(tmp_path / "nowhere" / "x.svg"))
    assert "The comparison could not be saved" in words(window)


def test_version_is_chosen_from_what_was_tried(
    app_controller: AppController, window: MainWindow, comparisons: dict[str, DiffResult]
) -> None:
    """Given another tried version, when its row is chosen, then the page offers to compare that one; the original has
    no such offer."""
    open_finished(app_controller.session, variant(2, speedup=1.5))
    page = shown_page(window, "changes")
    press(page, "What changed in Version 2?")
    assert "“Version 2” was not compared with the original yet" in words(page)
    page.version_chosen.emit("r1-v0")
    assert "was not compared" not in words(page) and "To compare with" in words(page)
