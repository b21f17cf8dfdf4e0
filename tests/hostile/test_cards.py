"""Cards of the corpus on a page: limited in size, shown as text, with nothing loaded and no link followed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from widgets.parts.markdown import MAX_BYTES, MarkdownView
from widgets.theme import Theme
from workers.model_io.readers.neighbors import license_of

CARDS = (
    "card_remote_image.md", "card_yaml_python.md", "card_yaml_bomb.md", "card_deep_markdown.md",
    "card_nested_tables_30.html", "card_html_div_50k.html", "card_10MB_line.md",
)  # fmt: skip


@pytest.fixture
def view(qapp: QApplication) -> Iterator[MarkdownView]:
    theme = Theme(qapp, "light")
    made = MarkdownView(theme, "Model card")
    made.resize(600, 500)
    made.show()
    yield made
    made.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.mark.whole
@pytest.mark.parametrize("name", CARDS)
def test_only_so_much_of_a_card_is_shown(view: MarkdownView, files: dict[str, Path], canary: Path, name: str) -> None:
    """Given a card that froze or fooled other programs, Then at most `MAX_BYTES` of it are shown, nothing is loaded and
    no link is followed."""
    text = files[name].read_bytes().decode("utf-8", "replace")
    report: list[str] = []
    view.link_clicked.connect(report.append)
    view.show_markdown(text)
    QCoreApplication.processEvents()
    view.grab()

    assert 0 < len(view.toPlainText().encode()) <= MAX_BYTES
    assert report == []
    assert list(canary.iterdir()) == []


@pytest.mark.parametrize("name", ["card_yaml_python.md", "card_yaml_bomb.md"])
def test_the_front_matter_of_a_card_is_only_read(
    files: dict[str, Path], canary: Path, tmp_path: Path, name: str
) -> None:
    """Given front matter that calls or explodes, When its license is looked for, Then there is none."""
    (tmp_path / "README.md").write_bytes(files[name].read_bytes())

    assert license_of(tmp_path) is None
    assert list(canary.iterdir()) == []
