"""The picture of two graphs: levels of detail by zoom, and all of it by mouse and keys."""

from collections.abc import Iterator

import pytest
from compared_graphs import blocks, compared
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.plots.graph_picture import GraphPicture
from widgets.theme import Theme
from workers.contracts.after.changes import DiffResult

RESULT = compared(blocks(20), cast_every=9)


@pytest.fixture
def picture(theme: Theme, qtbot: QtBot) -> Iterator[GraphPicture]:
    made = GraphPicture(theme, "Both models")
    qtbot.addWidget(made)
    made.resize(640, 400)
    made.set_result(RESULT)
    with qtbot.waitExposed(made):
        made.show()
    yield made


def turn(picture: GraphPicture, at: QPointF, steps: int) -> None:
    """Turn the wheel; each step is its own event, as from a mouse."""
    for _step in range(abs(steps)):
        delta = QPoint(0, 120 if steps > 0 else -120)
        QApplication.sendEvent(
            picture,
            QWheelEvent(
                at, picture.mapToGlobal(at), QPoint(), delta, Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            ),
        )  # fmt: skip


def center(picture: GraphPicture, node: int) -> QPointF:
    return picture._device(picture.drawing.rects[picture.drawing.owner[node]]).center()


def test_zoom_shows_more_detail_at_the_same_place(picture: GraphPicture, qtbot: QtBot) -> None:
    """Given the folded blocks, when the wheel turns over them, then the single blocks come, one of them there."""
    fold = next(box for box in picture.drawing.level.boxes if box.repeats > 1)
    at = center(picture, fold.nodes[0])
    picture.clearFocus()
    before = picture.scale
    turn(picture, at, 1)
    assert picture.scale == before, "the page scrolls until the picture was clicked"
    picture.activateWindow()  # a bare X server has no window manager that would
    picture.setFocus()
    qtbot.waitUntil(picture.hasFocus)
    turn(picture, at, 12)
    assert picture.level >= 1
    box = picture.box_at(at)
    assert box is not None and picture.drawing.level.boxes[box].nodes[0] in fold.nodes
    turn(picture, at, -60)
    assert picture.level == 0 and picture._is_fitted


def test_whole_level_fits(picture: GraphPicture) -> None:
    """Given each level, when it is shown by Page Down, then all of its boxes are in view; another size keeps that."""
    for level in range(len(RESULT.levels)):
        picture.show_level(level)
        picture.resize(700, 300)
        corners = [picture._device(rect) for rect in picture.drawing.rects]
        assert min(rect.left() for rect in corners) >= 0 and max(rect.right() for rect in corners) <= 700
        assert min(rect.top() for rect in corners) >= 0 and max(rect.bottom() for rect in corners) <= 300
        picture.resize(640, 400)


def test_keys_move_zoom_and_change_the_level(picture: GraphPicture, qtbot: QtBot) -> None:
    """Given the focus, then + zooms, an arrow moves, Page Down shows more, and Home all of it."""
    picture.setFocus()
    fitted = picture.scale
    for _press in range(3):
        qtbot.keyClick(picture, Qt.Key.Key_Plus)
    assert picture.scale > fitted
    before = center(picture, 0)
    qtbot.keyClick(picture, Qt.Key.Key_Right)
    assert center(picture, 0).x() < before.x()
    qtbot.keyClick(picture, Qt.Key.Key_Home)
    assert picture.scale == fitted
    qtbot.keyClick(picture, Qt.Key.Key_PageDown)
    assert picture.level == 1


def test_drag_moves_and_does_not_choose(picture: GraphPicture, qtbot: QtBot) -> None:
    """Given a press on a box, when it is dragged, then the picture moves and nothing is chosen; a click chooses."""
    at = center(picture, 0).toPoint()
    chosen: list[tuple[int, ...]] = []
    picture.chosen.connect(chosen.append)
    qtbot.mousePress(picture, Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseMove(picture, at + QPoint(30, 20))
    qtbot.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=at + QPoint(30, 20))
    assert chosen == [] and center(picture, 0).toPoint() == at + QPoint(30, 20)
    qtbot.mouseClick(picture, Qt.MouseButton.LeftButton, pos=at + QPoint(30, 20))
    assert chosen == [(0,)]


def test_chosen_operator_comes_into_view(picture: GraphPicture) -> None:
    """Given a large zoom elsewhere, when an operator is chosen, then its box is in view."""
    picture.show_level(len(RESULT.levels) - 1)
    for _step in range(12):
        picture.zoom(1.2, QPointF(0, 0))
    last = len(RESULT.nodes) - 1
    assert not picture.rect().contains(center(picture, last).toPoint())
    picture.choose(last)
    assert picture.rect().contains(center(picture, last).toPoint())


def test_tip_names_what_happened(picture: GraphPicture) -> None:
    """Given the pointer over a box, then its tip has kind, status, shape and kernel."""
    tip = picture._tip_at(center(picture, 0))
    assert all(part in tip for part in ("Conv", "fewer bits", "1 × 32 × ?", "f32 → int8", "brgconv_avx512_int8"))


def test_result_without_a_picture_is_empty(theme: Theme, qtbot: QtBot) -> None:
    """Given a comparison that was not drawn, then zoom, keys and clicks do nothing."""
    made = GraphPicture(theme, "Both models")
    qtbot.addWidget(made)
    made.set_result(DiffResult(nodes=()))
    made.zoom(2.0)
    made.show_level(1)
    assert made.box_at(QPointF(5, 5)) is None and made.grab().width() > 0
