"""The pictures of the task pages are still what the pages look like."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from task_pictures import FOLDER, SHOTS, draw

from widgets.theme import Theme

SIZE_PX, COARSE, MOST_LEVELS = 24, (48, 36), 10.0
"""Fonts differ between computers: so many pixels of the size and gray levels (0 to 255) of a coarse picture may, too."""


def coarse(path: Path) -> tuple[tuple[int, int], np.ndarray]:
    """Return the size of a picture in pixels, and its gray levels at 48 × 36 (float, 0 to 255)."""
    with Image.open(path) as image:
        return image.size, np.asarray(image.convert("L").resize(COARSE, Image.Resampling.BOX), float)


@pytest.mark.parametrize("name", SHOTS)
def test_picture_shows_its_page_as_it_is_now(name: str, theme: Theme, examples: ModuleType, tmp_path: Path) -> None:
    """Given a stored picture, When its page is drawn again, Then both look alike; else run task_pictures.py."""
    page = draw(name, theme, examples, tmp_path / "now.png")
    (now, levels), (stored, stored_levels) = coarse(tmp_path / "now.png"), coarse(FOLDER / f"{name}.png")
    assert max(abs(a - b) for a, b in zip(now, stored, strict=True)) <= SIZE_PX, (now, stored)
    assert float(np.abs(levels - stored_levels).mean()) <= MOST_LEVELS
    assert levels.std() > MOST_LEVELS / 2
    page.deleteLater()


def test_every_stored_picture_can_be_drawn_anew() -> None:
    """Given the folder of pictures, Then each of its files has its shot."""
    assert {path.stem for path in FOLDER.iterdir()} == set(SHOTS)
