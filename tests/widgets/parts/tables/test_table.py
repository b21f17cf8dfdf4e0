"""The table: choosing by mouse and keys, details, tags, thousands of rows."""

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QAccessible, QFontMetrics
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from stopwatch import OwnTime

from tests.widgets.qt_actions import placed, recorded
from widgets.parts.tables.paint import two_lines
from widgets.parts.tables.table import Table
from widgets.parts.tables.values import Cell, Column, TableRow
from widgets.theme import Theme

COLUMNS = (Column("Version", stretch=True), Column("Latency", right=True), Column("Verdict"))


def rows(number: int) -> list[TableRow]:
    return [
        TableRow(
            f"r{n}", (Cell(f"Version {n}"), Cell(f"{n} ms"), Cell("Safe to ship", tag="ok")), (("Latency p50", "1 ms"),)
        )
        for n in range(number)
    ]


def made(theme: Theme, qtbot: QtBot, number: int, *, fits: bool = True) -> Table:
    table = Table(theme, "All versions", COLUMNS, fits=fits)
    qtbot.addWidget(table)
    table.show_rows(rows(number), "r1")
    table.resize(500, table.height() if fits else 300)
    with qtbot.waitExposed(table):
        table.show()
    return table


def test_model_keeps_qts_rules(theme: Theme, qtbot: QtBot) -> None:
    """Given the model under Qt's own tester, when rows and details change, then no rule is broken."""
    table = made(theme, qtbot, 4)
    model = table.model()
    assert isinstance(model, QAbstractItemModel)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    for is_open in (True, False, True):
        table.set_details(is_open)
        table.choose("r3")
    table.show_rows(rows(2), "r0")
    table.show_rows([], "")
    assert tester.model() is model


def test_keys_skip_the_line_of_details(theme: Theme, qtbot: QtBot) -> None:
    """Given open details, when the arrow goes down, then the next version is chosen, not the line of details."""
    table = made(theme, qtbot, 4)
    table.set_details(True)
    assert table.model().rowCount() == 5 and table.chosen_id == "r1"
    table.setFocus()
    report = recorded(table.chosen)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Up)
    assert report == ["r2", "r3", "r2"] and table.model().rowCount() == 5


def test_height_fits_its_rows(theme: Theme, qtbot: QtBot) -> None:
    """Given rows, then the table is just as high, with the details' line too, and needs no scroll bar."""
    table = made(theme, qtbot, 5)
    low = table.height()
    assert not table.verticalScrollBar().isVisible() and low == 32 + 5 * 34 + 1
    table.set_details(True)
    assert table.height() == low + 62
    table.show_rows(rows(2), "r0")
    assert table.height() < low


def test_details_that_do_not_fit_go_on_in_another_row(theme: Theme, qtbot: QtBot) -> None:
    """Given seven details, When the table is too narrow for them side by side, Then none of them is cut, the table is as
    high as they are, and a wide one has them in one row again."""
    pairs = tuple((f"Memory while running {n}", "38 MB → 29 MB") for n in range(7))
    table = placed(qtbot, Table(theme, "All versions", COLUMNS, fits=True), 1200, 100)
    table.show_rows([TableRow("r0", rows(1)[0].cells, pairs)], "r0")
    table.set_details(True)
    line_px = table.rowHeight(1)
    for width, is_high in ((500, True), (1200, False)):
        table.resize(width, table.height())
        QApplication.processEvents()
        assert (table.rowHeight(1) > line_px) is is_high
        details = table.indexWidget(table.model().index(1, 0))
        details.layout().activate()
        shown = details.findChildren(QLabel)
        assert len(shown) == 14
        assert [one.text() for one in shown if one.width() < one.sizeHint().width()] == []
        assert max(one.geometry().right() for one in shown) < table.viewport().width()
        assert table.height() == 32 + 34 + table.rowHeight(1) + 1 and not table.verticalScrollBar().isVisible()


def test_tab_leaves_the_table(theme: Theme, qtbot: QtBot) -> None:
    """Given focus in the table, then Tab does not walk its cells."""
    assert not made(theme, qtbot, 3).tabKeyNavigation()


def test_terms_explain_themselves_in_titles_and_cells(theme: Theme, qtbot: QtBot) -> None:
    """Given a term in a title or a cell, then its tooltip explains it, and the headers have names."""
    table = made(theme, qtbot, 3)
    model = table.model()
    title = model.headerData(1, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "How long one answer takes." in title
    assert "95 % sure" in model.index(0, 2).data(Qt.ItemDataRole.ToolTipRole)
    for header in (table.horizontalHeader(), table.verticalHeader()):
        assert QAccessible.queryAccessibleInterface(header).text(QAccessible.Text.Name)


def test_ten_thousand_rows_are_quick(theme: Theme, qtbot: QtBot) -> None:
    """Given a long history, then showing and scrolling take no time that is felt."""
    table = made(theme, qtbot, 10, fits=False)
    many = rows(10_000)
    own = OwnTime()
    table.show_rows(many, "r1")
    QApplication.processEvents()
    own.check(0.5)
    for share in range(0, 101, 5):
        table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() * share // 100)
        table.viewport().repaint()
    own.check(21 * 0.05)


def test_the_last_column_is_never_cut(theme: Theme, qtbot: QtBot) -> None:
    """Given words too long for the width, then they give way, and the last column ends inside the table."""
    columns = (Column("#", right=True), Column("Layer", stretch=True), Column("Kind"), Column("Time", right=True),
               Column("Precision"), Column("Sensitivity", right=True))  # fmt: skip
    table = Table(theme, "Layers", columns, fits=False)
    qtbot.addWidget(table)
    long = "MemoryEfficientAttentionWithRelativePositions"
    table.show_rows([TableRow("a", tuple(map(Cell, ("1", "encoder/layer.0", long, "0.08 ms", "u8, i8", "0.0012"))))])
    table.resize(480, 300)
    with qtbot.waitExposed(table):
        table.show()
    header = table.horizontalHeader()
    assert header.length() <= table.viewport().width()
    assert header.sectionSize(5) >= header.sectionSizeHint(5) and header.sectionSize(1) >= 100
    table.resize(1200, 300)
    QApplication.processEvents()
    assert table.columnWidth(2) >= table.sizeHintForColumn(2)


def test_long_titles_take_two_lines_before_names_are_cut(theme: Theme, qtbot: QtBot) -> None:
    """Given a figure with a long title in a narrow table, then the title wraps, and the names keep their width."""
    columns = (Column("Version", stretch=True), Column("Tells speech from silence", right=True),
               Column("Same answers", right=True))  # fmt: skip
    table = Table(theme, "All versions", columns)
    qtbot.addWidget(table)
    table.least_stretch_px = 150
    table.show_rows([TableRow("a", tuple(map(Cell, ("INT8, sensitive layers kept", "99.5 %", "100 %"))))])
    table.resize(360, 300)
    with qtbot.waitExposed(table):
        table.show()
    header = table.horizontalHeader()
    assert header.sectionSize(0) >= 150 and header.length() <= table.viewport().width()
    assert table.sizeHintForColumn(1) <= header.sectionSize(1) < header.sectionSizeHint(1)
    shot = table.grab().toImage()
    left, right = header.sectionPosition(1), header.sectionPosition(1) + header.sectionSize(1)
    ground = shot.pixelColor(left + 1, 2)
    lines = [any(shot.pixelColor(x, y) != ground for x in range(left, right)) for y in range(header.height() - 1)]
    assert any(lines[:14]) and any(lines[18:])


def test_a_row_in_the_place_of_the_details_has_a_rows_height(theme: Theme, qtbot: QtBot) -> None:
    """Given open details below the second row, When they close as one more row comes, so that as many lines are there as
    before, Then no row is as high as the details were."""
    table = made(theme, qtbot, 3)
    table.set_details(True)
    table._refresh(tuple(TableRow(row.id, row.cells) for row in rows(4)), "r1")
    heights = {table.rowHeight(line) for line in range(table.model().rowCount())}
    assert table.model().rowCount() == 4 and len(heights) == 1


def test_a_name_goes_on_in_a_second_line(theme: Theme, qtbot: QtBot) -> None:
    """Given two names with the same beginning, When only this beginning fits, Then the rest is the second line, also in
    Japanese, which has no blanks; a name that fits has no second line, and a word that does not fit stays whole."""
    font = made(theme, qtbot, 1).font()
    width = QFontMetrics(font).horizontalAdvance("INT8, dynamic, ")
    assert two_lines("INT8, dynamic, outliers smoothed", font, width) == ("INT8, dynamic,", "outliers smoothed")
    assert two_lines("INT8, dynamic", font, width) == ("INT8, dynamic", "")
    assert two_lines("dequantization", font, 20) == ("dequantization", "")
    first, rest = two_lines("整数に丸めた重みと外れ値の平滑化と学習した丸め", font, width)
    assert first and rest
