"""The page "Layers": two pictures of the parts and a table that can be sorted."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import child, emitted, left_click
from widgets.pages.layers.page import LayersPage, kinds_by_time
from widgets.pages.layers.table import LayersTable, in_order
from widgets.pages.layers.value import LayersOf, LayersValue
from widgets.plots.layer_flow import LayerFlow
from workers.contracts.after.changes import Layer, LayersResult

BEFORE = (
    Layer(order=0, name="/stem/Conv", kind="Conv", ms=3.0, size_bytes=4000, precision="f32", sensitivity=0.002),
    Layer(order=1, name="/pool/Pool", kind="GlobalAveragePool", ms=1.0),
    Layer(order=2, name="/head/Gemm", kind="Gemm", ms=2.0, size_bytes=40_000, precision="f32", sensitivity=0.1),
)
AFTER = (
    Layer(order=0, name="stem", kind="Convolution", ms=1.0, size_bytes=2000, precision="bf16"),
    Layer(order=1, name="head", kind="FullyConnected", ms=0.25),
)
VALUE = LayersValue(
    versions=(("v1", "16-bit numbers (BF16)"), ("v0", "Original")),
    chosen="v1",
    sides=(
        LayersOf("Original", "ONNX Runtime", LayersResult(layers=BEFORE, total_ms=6.0)),
        LayersOf(
            "16-bit numbers (BF16)",
            "OpenVINO",
            LayersResult(layers=AFTER, total_ms=1.25, part="The fast one of its two models."),
        ),
    ),
)


@pytest.fixture
def page(opened: Any) -> LayersPage:
    return opened(LayersPage, VALUE)


def flows(page: LayersPage) -> list[LayerFlow]:
    return page.findChildren(LayerFlow)


def table(page: LayersPage) -> LayersTable:
    return child(page, LayersTable)


def rows(page: LayersPage) -> list[str]:
    model = table(page).model()
    return [model.index(row, 1).data() for row in range(model.rowCount())]


def test_both_versions_are_drawn_to_one_scale(page: LayersPage) -> None:
    """Given an original of 6 ms and a version of 1.25 ms, then the version's blocks are as much shorter."""
    first, second = flows(page)
    wide, narrow = (flow.rects()[-1].right() for flow in (first, second))
    assert narrow / wide == pytest.approx(1.25 / 6, abs=0.03)
    text = text_of(page)
    assert "In “16-bit numbers (BF16)” the slowest of 2 layers takes 80 % of the time (Convolution)." in text
    assert "The fast one of its two models." in text
    assert "Timing each layer slows small models" in text
    assert first.token_of("Conv") != first.token_of("Gemm")


def test_a_click_on_a_block_finds_its_row(page: LayersPage) -> None:
    """Given a block of the original, when it is clicked, then the table shows the original's layers with it chosen."""
    assert rows(page)[0].startswith("stem")
    place = flows(page)[0].rects()[2].center().toPoint()
    left_click(flows(page)[0], QPoint(place.x(), place.y()))
    assert [row.split(",")[0] for row in rows(page)] == ["stem/Conv", "head/Gemm", "pool/Pool"]
    assert table(page).chosen_id == "2"


def test_blocks_are_walked_by_keys(page: LayersPage, qtbot: QtBot) -> None:
    """Given focus on a picture, when arrow and return are pressed, then the next block is chosen."""
    flow = flows(page)[0]
    flow.setFocus()
    qtbot.keyClick(flow, Qt.Key.Key_Right)
    assert emitted(flow.block_chosen, qtbot.keyClick, flow, Qt.Key.Key_Return) == [1]


def test_columns_sort_and_unknown_values_stay_last() -> None:
    """Given layers with unknown sizes, when they are sorted by size, then these stand last, both ways."""
    by_size = in_order(BEFORE, 5, is_reversed=False)
    assert [layer.order for layer in by_size] == [2, 0, 1]
    assert [layer.order for layer in in_order(BEFORE, 5, is_reversed=True)] == [0, 2, 1]
    assert [layer.order for layer in in_order(BEFORE, 1, is_reversed=False)] == [2, 1, 0]
    assert kinds_by_time(VALUE.sides)[:2] == ("Conv", "Gemm")


def test_a_click_on_a_title_sorts(page: LayersPage) -> None:
    """Given the table by time, when the title of the first column is clicked twice, then the order turns around."""
    header = table(page).horizontalHeader()
    place = QPoint(header.sectionViewportPosition(0) + 8, header.height() // 2)
    left_click(header.viewport(), place)
    first = rows(page)
    left_click(header.viewport(), place)
    assert rows(page) == first[::-1]


def test_engine_is_named_once(opened: Any) -> None:
    """Given a version that is called like its engine, and has one layer, Then the name is once, and so does the
    layer."""
    result = LayersResult(layers=(Layer(order=0, name="all", kind="Conv", ms=1.8, precision="f32"),), total_ms=1.8)
    sides = (LayersOf("Original", "ONNX Runtime", result), LayersOf("OpenVINO", "OpenVINO", result))
    page = opened(LayersPage, LayersValue(versions=(("v1", "OpenVINO"),), chosen="v1", sides=sides))
    assert "Original, ONNX Runtime: 1.8 ms in one layer" in text_of(page)
    assert "OpenVINO: 1.8 ms in one layer" in text_of(page) and "OpenVINO, OpenVINO" not in text_of(page)
