"""What somebody else wrote: markdown and pictures."""

import base64
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QCoreApplication, QIODevice, QUrl
from PySide6.QtGui import QColor, QImage, QTextDocument
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import placed, recorded
from widgets.parts.markdown import MAX_BYTES, MAX_CELLS, MAX_LINE_BYTES, MAX_LINES, MarkdownView, bounded
from widgets.parts.pictures import PictureLabel, PictureStore, PictureValue, decode
from widgets.theme import Theme

MOST_TIMES = 25
"""So many times as long as an ordinary card may a text take; those below take up to 12 times, unbounded ones hundreds."""


def png(width: int, height: int, color: str = "#3366CC") -> bytes:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(color))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())


@pytest.fixture
def view(theme: Theme, qtbot: QtBot) -> MarkdownView:
    return placed(qtbot, MarkdownView(theme, "Model card"), 392, 600)


def test_html_stays_letters(view: MarkdownView) -> None:
    """Given HTML in markdown, then it is shown, not obeyed."""
    view.show_markdown("# T\n\n<script>alert(1)</script> <img src='file:///etc/hostname'> <h1>x</h1>")
    assert "<script>" in view.toPlainText() and "<img" in view.toPlainText()


@pytest.mark.parametrize(
    "address", ["file://{0}", "{0}", "http://x.example/a.png", "qrc:/a", "data:image/png;base64,{1}"]
)
def test_nothing_is_loaded(view: MarkdownView, address: str, tmp_path: Path) -> None:
    """Given a picture in markdown, then nothing is read from anywhere: not its bytes, not its size."""
    red = png(300, 300, "#FF0000")
    path = tmp_path / "secret.png"
    path.write_bytes(red)
    whole = address.format(path, base64.b64encode(red).decode())
    view.show_markdown(f"![p]({whole})\n\n![q][r]\n\n[r]: {whole}")
    image = view.grab().toImage()
    kind = QTextDocument.ResourceType.ImageResource.value
    for url in (QUrl(whole), QUrl.fromLocalFile(str(path))):
        answer = view.document().resource(kind, url)
        assert isinstance(answer, QImage) and (answer.width(), answer.height()) == (1, 1)
    reds = [1 for x in range(0, 392, 8) for y in range(0, 600, 8) if image.pixelColor(x, y) == QColor("#FF0000")]
    assert reds == [] and view.document().size().height() < 200


def test_links_are_asked_about_and_only_web_ones(view: MarkdownView) -> None:
    """Given links, then a web address is reported whole and not opened; others are dropped."""
    view.show_markdown("[a](https://x.example/?q=1) [b](file:///etc/passwd) [c](javascript:alert(1))")
    report = recorded(view.link_clicked)
    for address in ("https://x.example/?q=1", "file:///etc/passwd", "javascript:alert(1)"):
        view.anchorClicked.emit(QUrl(address))
    assert report == ["https://x.example/?q=1"]
    assert not view.openLinks() and not view.openExternalLinks() and view.source().isEmpty()


def test_size_is_bounded(view: MarkdownView) -> None:
    """Given endless lines or endless text, then it is cut."""
    text = bounded("ü" * 5000 + "\n" + f"{'y' * 90}\n" * 500_000)
    assert len(text.encode()) <= MAX_BYTES + 8
    assert max(len(line.encode()) for line in text.splitlines()) <= MAX_LINE_BYTES
    assert text.endswith("…")
    assert len(bounded("a\n" * 100_000).splitlines()) <= MAX_LINES + 2
    assert bounded("|a|b|\n" * 100_000).count("|") <= MAX_CELLS
    card = "# A card\n\n" + "A sentence of a card.\n\n" * 300
    assert bounded(card) == card.rstrip("\n") + "\n", "an ordinary card is shown whole"


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000 + "\n" + "word\n\n" * 200_000,
        "* a\n" * 50_000,
        "1. a\n" * 50_000,
        "|a|b|\n|-|-|\n" + "|x|y|\n" * 33_000,
        "|" + "a|" * 900 + "\n|" + "-|" * 900 + "\n" + "|x|\n" * 900,
        "|a|b|\n|-|-|\n|x|y|\n\ntext\n\n" * 600,
        ("**a** _b_ `c` [l](http://x) " * 70 + "\n\n") * 100,
        ("[" * 1990 + "\n\n") * 100,
        "".join("> " * depth + "* a\n" for depth in range(200)),
        "# a\n" * 50_000,
    ],
    ids=["words", "list", "numbers", "rows", "columns", "tables", "marks", "brackets", "nested", "headings"],
)
def test_no_text_freezes_the_window(view: MarkdownView, text: str) -> None:
    """Given a text that is made to take long, then it is laid out and drawn within a blink, some times that of a card."""
    ordinary_s = _shown_s(view, "# A card\n\n" + "A sentence of a card, of **usual** length.\n\n" * 300)
    assert _shown_s(view, text) < MOST_TIMES * ordinary_s


def _shown_s(view: MarkdownView, text: str) -> float:
    """Processor time of this thread until the text is drawn."""
    start = time.thread_time()
    view.show_markdown(text)
    QCoreApplication.processEvents()
    view.grab()
    return time.thread_time() - start


def test_reading_place_stays_while_the_card_changes(view: MarkdownView) -> None:
    """Given a long card that is read in the middle, when a word changes, then the place stays."""
    lines = "\n\n".join(f"line {n}" for n in range(200))
    view.show_markdown(lines)
    bar = view.verticalScrollBar()
    assert bar.value() == 0
    bar.setValue(500)
    view.show_markdown(lines.replace("line 199", "line new"))
    assert bar.value() == 500


def test_pictures_are_decoded_small(tmp_path: Path) -> None:
    """Given a large picture, then what is kept is small and keeps its shape, from bytes and from a file."""
    path = tmp_path / "größe 模型.png"
    path.write_bytes(png(2000, 1000))
    for value in (PictureValue(data=png(2000, 1000)), PictureValue(path=str(path))):
        image = decode(value, 80)
        assert image is not None and (image.width(), image.height()) == (80, 40)


def test_what_is_no_picture_is_none(tmp_path: Path) -> None:
    """Given garbage, truncated files, SVG, nothing, or a picture bomb, then there is no picture and no error."""
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"
    bomb = bytearray(png(10, 10))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    cut = png(64, 64)
    for number, data in enumerate((b"\x00garbage", cut[:40], svg, b"", bytes(bomb))):
        path = tmp_path / f"{number}.png"
        path.write_bytes(data)
        assert decode(PictureValue(path=str(path)), 80) is None
    assert decode(PictureValue(path=str(tmp_path)), 80) is None
    assert decode(PictureValue(path=str(tmp_path / "gone.png")), 80) is None


def test_store_decodes_one_after_another_and_keeps_the_newest(theme: Theme, qtbot: QtBot) -> None:
    """Given many wishes, then each turn of the loop decodes one, and each comes once."""
    store = PictureStore()
    values = [PictureValue(data=png(8, 8, f"#0000{n:02X}")) for n in range(30)]
    report = recorded(store.ready)
    assert [store.get(value, 40) for value in values] == [(None, False)] * 30
    qtbot.waitUntil(lambda: not store.is_busy, timeout=3000)
    assert len(report) == 30
    pixmap, is_final = store.get(values[0], 40)
    assert is_final and pixmap is not None and pixmap.width() == 40
    assert store.get(PictureValue(text="words"), 40) == (None, True)


def test_thumbnail_has_an_alt_text_and_an_icon_in_its_place(theme: Theme, qtbot: QtBot) -> None:
    """Given a file that is gone, then an icon is there and the name is read out."""
    store = PictureStore()
    value = PictureValue(path="/nowhere/x.png", name="Sneaker")
    shown = PictureLabel(theme, store, value, 80)
    qtbot.addWidget(shown)
    shown.show()
    qtbot.waitUntil(lambda: store.get(value, 80)[1], timeout=2000)
    assert shown.accessibleName() == "Sneaker"
    image = shown.grab().toImage()
    assert len({image.pixel(x, y) for x in range(28, 52) for y in range(28, 52)}) > 2
