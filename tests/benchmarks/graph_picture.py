"""Measure the picture of compared graphs: layout, the first frame of the page, and frames per second.

python -m tests.benchmarks.graph_picture [MODEL.onnx]

Graphs of 100, 1,000, 5,000 and 50,000 operators: as equal blocks, and without any repetition. Frames are drawn one after
the other while the picture moves, for the coarsest and the finest level as a whole and for a readable part of the finest.
With a model, it is compared with made changes of itself, and the page is opened on it.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
sys.path.insert(0, str(Path(__file__).parents[1] / "widgets" / "pages"))

from compared_graphs import BLOCK, blocks, changed, compared, node
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
from recording import RecordingContext

from app.domain.drawing.html import html_of
from tests.workers.graphs_by_name import graph_of
from widgets.pages.changes.page import ChangesPage
from widgets.pages.changes.value import ChangesValue
from widgets.plots.graph_picture import GraphPicture
from widgets.theme import Theme
from workers.contracts.after.changes import DiffResult
from workers.explain.graph import Node
from workers.explain.picture.levels import levels_of

COUNTS = (100, 1_000, 5_000, 50_000)
FRAMES = 60
SIZE = (1200, 700)


def plain(count: int) -> list[Node]:
    """Return operators without repetition, each read by the next one and by one up to thirty places later."""
    made = [node("n0", "Op0", "x")]
    for at in range(1, count * 11 // 12):
        far = max(0, at - 2 - at * at % 29)
        made.append(node(f"n{at}", f"Op{at * at % 977}", f"n{at - 1}:0", f"n{far}:0"))
    return made


def layout_s(first: list[Node]) -> float:
    nodes, one, other = changed(first, cast_every=11)
    began_s = time.perf_counter()
    levels_of(nodes, one, other, RecordingContext(Path()))
    return time.perf_counter() - began_s


def frames_ms(picture: GraphPicture) -> list[float]:
    """Return the milliseconds of frames between which the picture moves by some pixels."""
    took = []
    for number in range(FRAMES):
        picture._move(QPointF(3.0 if number % 2 else -3.0, 1.0))
        began_s = time.perf_counter()
        picture.repaint()
        took.append(1e3 * (time.perf_counter() - began_s))
    return took


def frames_of(theme: Theme, result: DiffResult) -> str:
    picture = GraphPicture(theme, "Both models")
    picture.resize(*SIZE)
    picture.set_result(result)
    picture.show()
    QApplication.processEvents()
    shown = {}
    for name, level in (("coarsest", 0), ("finest", len(result.levels) - 1)):
        picture.show_level(level)
        picture.repaint()
        shown[name] = frames_ms(picture)
    while picture.scale < 1.0:
        picture.zoom(1.2, QPointF(200, 200))
    shown["readable"] = frames_ms(picture)
    picture.deleteLater()
    return "  ".join(f"{name} {statistics.median(ms):5.1f} / {sorted(ms)[-3]:5.1f}" for name, ms in shown.items())


def page_s(theme: Theme, result: DiffResult) -> float:
    """Return the seconds from the stored comparison as JSON to the painted page."""
    import example_looking

    text = result.model_dump_json()
    page = ChangesPage(theme)
    page.resize(1072, 714)
    page.show()
    QApplication.processEvents()
    began_s = time.perf_counter()
    read = DiffResult.model_validate_json(text)
    page.show_value(ChangesValue(versions=(("v1", "INT8"),), chosen="v1", tried=example_looking.tried(), result=read))
    page.grab()
    took_s = time.perf_counter() - began_s
    page.hide()
    page.deleteLater()
    return took_s


def report(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> None:
    app = QApplication(sys.argv[:1])
    theme = Theme(app, "light")
    graphs = {f"{count:,} {kind}": make(count) for count in COUNTS for kind, make in (
        ("in blocks", lambda count: blocks(count * 11 // 12 // len(BLOCK) - 1)), ("plain", plain))}  # fmt: skip
    graphs |= {Path(path).name: list(graph_of(Path(path)).nodes) for path in sys.argv[1:]}
    report("graph | layout s | boxes of each level | frame ms, median / 3rd slowest of 60 | page s | HTML s, MB")
    for name, first in graphs.items():
        took_s = layout_s(first)
        result = compared(first, cast_every=11)
        boxes = [len(level.boxes) for level in result.levels]
        began_s = time.perf_counter()
        size = len(html_of(result, ("before", "after")))
        written_s = time.perf_counter() - began_s
        frames, opened_s = frames_of(theme, result), page_s(theme, result)
        report(f"{name} | {took_s:.2f} | {boxes} | {frames} | {opened_s:.2f} | {written_s:.2f}, {size / 1e6:.1f}")


if __name__ == "__main__":
    main()
