"""Pictures of the task pages, drawn from the example values: python tests/widgets/pages/task_pictures.py writes them."""

import sys
from functools import partial
from pathlib import Path
from types import ModuleType

from PIL import Image
from PySide6.QtCore import QPoint
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent), str(ROOT / "tests" / "fixtures")]

from page_states import STATES, data_items  # noqa: E402

from widgets.pages.data.fed import FedCard, FedValue  # noqa: E402
from widgets.pages.data.page import DataPage  # noqa: E402
from widgets.parts.page import Page  # noqa: E402
from widgets.parts.pictures import PictureStore  # noqa: E402
from widgets.theme import Theme  # noqa: E402
from workers.contracts.data.seen import SeenBox  # noqa: E402

FOLDER = ROOT / "app" / "help" / "tasks" / "pictures"
WIDTH_PX, HEIGHT_PX, COLORS = 816, 614, 64


SHOTS = {
    "model": ("model-empty", 520),
    "compare-safe": ("compare-safe", 600),
    "compare-not-proven": ("compare-not-proven", 440),
    "compare-busy": ("compare-busy", 600),
    "compare-computers": ("compare-computers", 580),
    "data-boxes": ("data-boxes", HEIGHT_PX),
    "changes": ("changes-full", HEIGHT_PX),
    "chat": ("chat-full", HEIGHT_PX),
    "try-sound": ("try-sound", 350),
    "load": ("load-full", HEIGHT_PX),
}
"""The page of each picture in a state of `page_states`, and the height of its upper part in pixels."""


def data_boxes(page: DataPage, ex: ModuleType, path: Path) -> None:
    """Show what a detector finds in a picture, which is written to `path` until the page is drawn there."""
    data_items(page, ex, 191)
    path.write_bytes(ex.picture(0).data)
    boxes = (SeenBox(name="T-shirt", score=0.97, box=(0.05, 0.15, 0.95, 0.9)),)
    found = ex.fed(191).result
    boxed = found.examples[0].model_copy(update={"picture": path.name, "boxes": boxes})
    page.show_fed(FedValue("done", found.model_copy(update={"examples": (boxed,)}), path.parent))


def draw(name: str, theme: Theme, ex: ModuleType, path: Path) -> Page:
    """Write one picture as a palette PNG and return the page, which must outlive its parts."""
    state, height_px = SHOTS[name]
    is_card = state == "data-boxes"
    kind, fill = (DataPage, partial(data_boxes, path=path)) if is_card else STATES[state]
    page = kind(theme)
    page.resize(WIDTH_PX, HEIGHT_PX)
    fill(page, ex)
    page.show()
    shown: QWidget = page.findChildren(FedCard)[0] if is_card else page
    shown.grab()  # pictures are decoded once they are drawn
    for _ in range(60):
        QTest.qWait(1)
    for store in page.findChildren(PictureStore):
        while store.is_busy:
            QTest.qWait(5)
    pixmap = QPixmap(shown.width(), shown.height() if is_card else height_px)
    pixmap.fill(theme.color("bg"))
    shown.render(pixmap, QPoint(0, 0))
    pixmap.save(str(path))
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    page.hide()
    return page


def main() -> None:
    """Write all pictures anew."""
    app = QApplication([])
    theme = Theme(app, "light")
    from conftest import join_examples

    ex = join_examples()
    FOLDER.mkdir(exist_ok=True)
    kept = [draw(name, theme, ex, FOLDER / f"{name}.png") for name in SHOTS]
    print(len(kept), "pictures in", FOLDER)  # noqa: T201


if __name__ == "__main__":
    main()
