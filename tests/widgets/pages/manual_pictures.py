"""Pictures of every page in each of its states: python tests/widgets/pages/manual_pictures.py FOLDER [light|dark]."""

import sys
from pathlib import Path

from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

sys.path[:0] = [str(Path(__file__).parents[3]), str(Path(__file__).parent)]

from conftest import join_examples  # noqa: E402
from page_states import STATES  # noqa: E402

from widgets.pages.model.page import ModelPage  # noqa: E402
from widgets.theme import Theme  # noqa: E402

SIZES = ((1072, 714), (816, 614))
"""The page's area in windows of 1280 × 800 and 1024 × 700."""


def save(widget: QWidget, theme: Theme, path: Path) -> None:
    """On the window's ground, after the thumbnails have come."""
    for _ in range(60):
        QTest.qWait(1)
    picture = QPixmap(widget.size())
    picture.fill(theme.color("bg"))
    widget.render(picture)
    picture.save(str(path))


def main(folder: Path, schemes: list[str]) -> None:
    """Write all pictures."""
    app = QApplication([])
    theme = Theme(app, "light")
    examples = join_examples()
    folder.mkdir(parents=True, exist_ok=True)
    kept = []  # a page must not go with its last name while Qt still deletes its children (see conftest.shown)
    for scheme in schemes:
        theme.set_choice("dark" if scheme == "dark" else "light")
        for width, height in SIZES:
            for name, (kind, fill) in STATES.items():
                page = kind(theme)
                kept.append(page)
                page.resize(width, height)
                fill(page, examples)
                page.show()
                save(page, theme, folder / f"{name}-{scheme}-{width}.png")
                page.deleteLater()
        page = ModelPage(theme)
        kept.append(page)
        page.show_empty(None)
        page.show()
        dialogs = (
            page.ask_consent("/m/a.pt", "scripted.pt"),
            page.ask_shapes("/m/a.pt", [("input", (None, 3, None, None))]),
        )
        for number, dialog in enumerate(dialogs):
            save(dialog, theme, folder / f"dialog-{number}-{scheme}.png")
            dialog.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["light", "dark"])
