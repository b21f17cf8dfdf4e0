"""Every text of the window is translatable, and fits when it is 40 % longer; shown with the data of a finished run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QComboBox, QLabel, QPushButton, QToolButton, QWidget
from records import Drive, described, open_page, shown_page

from app.controllers.app_controller import AppController
from widgets.language import apply_language
from widgets.main_window import MainWindow
from widgets.parts.text import ElidedLabel
from workers.contracts.translation import PSEUDO, VARIABLE

pytestmark = pytest.mark.whole
ROOT = Path(__file__).parents[3]
TRANSLATED = re.compile(r"⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[^\W\d_]{3,}")
NAMES = (
    "Fettle", "ONNX", "OpenVINO", "Runtime", "TensorRT", "PyTorch", "NVIDIA", "GPU", "RTX", "CPU", "GHz", "GiB", "MHz",
    "Ctrl", "RGB", "BGR", "GRAY", "NCHW", "NHWC", "English", "Deutsch", "Français", "Español", "Xenova", "item", "npz",
    "README", "Documents", "Triton", "MLflow", "Docker", "Python", "INT", "data", "root", "tmp", "zip", "pytest", "test", "pages", "are", "translated", "and", "日本語", "简体中文",
    "squeezed", "Fashion", "MNIST", "spread", "MIT", "float32",
)  # fmt: skip
"""Names that are the same in all languages, and parts of paths."""
PAGES_OF_TASKS = re.compile(r"guide|hub")
"""Pages with texts that are documents or facts of the hub, and are not translated."""


@pytest.fixture(autouse=True)
def pseudo(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Show the pseudo-locale, and English afterwards."""
    monkeypatch.setenv(VARIABLE, PSEUDO)
    apply_language("")
    yield
    monkeypatch.delenv(VARIABLE)
    apply_language("en")


def own_words(text: str) -> list[str]:
    """Return the words of a text that were not translated."""
    while (rest := TRANSLATED.sub(" ", text)) != text:
        text = rest
    return WORD.findall(re.sub(r"<[^>]*>|(?:/[^\s/<>]+){2,}", " ", text))


def texts_of(window: QWidget) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of everything that can be read, heard or pointed at."""
    for widget in [window, *window.findChildren(QWidget)]:
        if not widget.isVisibleTo(window):
            continue
        for name in ("text", "title", "placeholderText", "toolTip", "accessibleName", "accessibleDescription"):
            read = getattr(widget, name, None)
            if callable(read) and not (name == "text" and hasattr(widget, "setMaxLength")):
                text = read()
                if isinstance(text, str):
                    yield f"{type(widget).__name__}.{name}", text
        if isinstance(widget, QComboBox):
            yield from (("item", widget.itemText(at)) for at in range(widget.count()))
        if isinstance(widget, QToolButton) and widget.menu() is not None:
            yield from (("menu", action.text()) for action in widget.menu().actions())
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            yield from cells_of(widget.model())


def cells_of(model: Any) -> Iterator[tuple[str, str]]:
    """Yield the headers and the first cells of a table or list."""
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())
    for column in range(columns):
        yield "header", str(model.headerData(column, Qt.Orientation.Horizontal) or "")
        for row in range(min(8, model.rowCount(QModelIndex()))):
            for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                yield "cell", str(model.data(model.index(row, column), role) or "")


def cut_texts(window: QWidget) -> list[str]:
    """Return the texts of labels and buttons that are larger than their place and neither wrap nor elide."""
    found = []
    for widget in [*window.findChildren(QLabel), *window.findChildren(QPushButton)]:
        if not widget.isVisibleTo(window) or isinstance(widget, ElidedLabel) or not widget.text():
            continue
        wraps = isinstance(widget, QLabel) and widget.wordWrap()
        needed = widget.heightForWidth(widget.width()) if wraps else widget.minimumSizeHint().width()
        if needed > (widget.height() if wraps else widget.width()) + 2:
            found.append(f"{type(widget).__name__}: {widget.text()[:60]} {needed} {widget.size().toTuple()}")
    return found


@pytest.mark.parametrize("size", [(1280, 800), (1024, 700)])
def test_pages_are_translated_and_nothing_is_cut(
    app_controller: AppController, window: MainWindow, finished_data: Path, drive: Drive, size: tuple[int, int]
) -> None:
    """Given the pseudo-locale and a finished run, when each page is shown, then what is not in brackets is a name of the
    model, the data or a version, and no label or button is cut."""
    window.resize(*size)
    app_controller.session.set_described(described())
    open_page(app_controller, "compare")
    session = app_controller.session
    opened = session.opened
    assert opened is not None and opened.data is not None
    model, runs = opened.model.result.info, session.workspace.repositories
    tensors = model.model_dump_json(include={"classes", "inputs", "outputs"})
    titles = (one.title for one in runs.variants.list(run_id=runs.runs.list()[0].id))
    known = " ".join(
        [opened.project.name, tensors, *titles, *(opened.data.result.class_counts or ()), *NAMES, str(ROOT)]
    )
    plain: dict[str, list[str]] = {}
    cut: dict[str, list[str]] = {}
    for page_id in window.specs:
        shown_page(window, page_id)
        waits = page_id not in ("try", "gpu")
        drive(lambda waits=waits: not (waits and app_controller.flows.active))
        for _turn in range(5):  # labels that wrap ask for their height in several turns
            QApplication.processEvents()
        for kind, text in texts_of(window):
            words = [word for word in own_words(text) if word.lower() not in known.lower()]
            if words and not PAGES_OF_TASKS.match(page_id):
                plain.setdefault(page_id, []).append(f"{kind}: {text[:90]} {words[:4]}")
        page = window.page(page_id)
        is_wide = page.widget().width() > page.viewport().width()
        cut[page_id] = [*cut_texts(window), *(["the page is wider than the window"] if is_wide else [])]
    left = [f"{page}: {one}" for page, texts in plain.items() for one in texts]
    left += [f"{page} cut: {one}" for page, texts in cut.items() for one in texts]
    assert not left, "\n".join(left)
