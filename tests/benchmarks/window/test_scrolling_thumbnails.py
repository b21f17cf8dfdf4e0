"""10,000 thumbnails are scrolled through at 30 frames a second, pictures coming in as they are seen."""

import io
import os
import time

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.data.thumbnails import CHUNK
from widgets.pages.data.grid import ItemsView, ItemValue
from widgets.theme import Theme

EXAMPLES, SECONDS, FRAMES = 10_000, 4.0, 30.0
STEP_PX = 60
"""1,800 dots a second at 30 frames: about as fast as a wheel is turned."""


def small_pictures() -> list[tuple[bytes, ...]]:
    """Ranges of different JPEGs as the worker draws them, 96 dots a side."""
    found = []
    for seed in range(8):
        rng, pieces = np.random.default_rng(seed), []
        for _ in range(CHUNK):
            out = io.BytesIO()
            cells = rng.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(cells).resize((96, 72), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
            pieces.append(out.getvalue())
        found.append(tuple(pieces))
    return found


@pytest.mark.slow
def test_ten_thousand_thumbnails_scroll_smoothly(qapp: QApplication, qtbot: QtBot) -> None:
    """Given 10,000 pictures none of which is drawn yet, When they are scrolled through for some seconds, Then the
    median frame takes at most a 30th of a second, and so do 95 of 100, and all that is seen at the end is there."""
    theme, pieces = Theme(qapp, "light"), small_pictures()
    view = ItemsView(theme, pictures=True)
    view.resize(1200, 700)
    view.items.wanted.connect(
        lambda number: view.items.put(number - number % CHUNK, pieces[number // CHUNK % len(pieces)])
    )
    began = time.perf_counter()
    view.items.show_items([ItemValue(f"{n:05d}.jpg", f"kind {n % 10}") for n in range(EXAMPLES)], CHUNK)
    with qtbot.waitExposed(view):
        view.show()
    shown_s = time.perf_counter() - began
    bar, frames_ms, clock = view.verticalScrollBar(), [], QElapsedTimer()
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        bar.setValue(bar.value() + STEP_PX if bar.value() < bar.maximum() else 0)
        clock.start()
        view.viewport().repaint()
        QCoreApplication.processEvents()
        frames_ms.append(clock.nsecsElapsed() / 1e6)
    far = view.items.rowCount() - 1
    clock.start()
    view.scrollToBottom()
    view.viewport().repaint()
    jump_ms = clock.nsecsElapsed() / 1e6
    view.viewport().repaint()
    p50, p95 = (float(np.percentile(frames_ms, share)) for share in (50, 95))
    print(  # noqa: T201 - the figures are the point
        f"{EXAMPLES:,} thumbnails: shown after {1000 * shown_s:.0f} ms; {len(frames_ms)} frames, p50 {p50:.1f} ms,"
        f" p95 {p95:.1f} ms ({1000 / p50:.0f} frames a second); jump to the end {jump_ms:.0f} ms;"
        f" load {os.getloadavg()[0]:.1f}"
    )
    image, is_final = view.items.image(far)
    view.close()
    for thing in (view, theme):
        thing.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert is_final and image is not None and not image.isNull()
    assert p50 <= 1000 / FRAMES and p95 <= 1000 / FRAMES
    assert shown_s < 1.0
