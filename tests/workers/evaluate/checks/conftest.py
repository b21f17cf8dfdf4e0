"""Drawn pictures and their changed copies, tables of texts, and the job ``data_check``."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance
from recording import RecordingContext

from workers.contracts.data.checks import CheckFinding, DataCheckParams, DataCheckResult
from workers.evaluate.checks.job import check_data

Picture = Image.Image


def draw(seed: int, side: int = 96) -> Picture:
    """Draw a soft texture, some shapes, or waves, as the seed decides."""
    random = np.random.default_rng(seed)
    if seed % 3 == 0:
        cells = random.integers(0, 256, (*random.integers(3, 12, 2), 3), dtype=np.uint8)
        return Image.fromarray(cells).resize((side, side), Image.Resampling.BICUBIC)
    if seed % 3 == 1:
        picture = Image.new("RGB", (side, side), tuple(random.integers(0, 256, 3).tolist()))
        pen = ImageDraw.Draw(picture)
        for _ in range(int(random.integers(4, 10))):
            (x, y), (width, height) = random.integers(0, side, 2).tolist(), random.integers(8, side // 2, 2).tolist()
            shape = pen.ellipse if random.random() < 0.5 else pen.rectangle
            shape((x, y, x + width, y + height), fill=tuple(random.integers(0, 256, 3).tolist()))
        return picture
    down, across = np.mgrid[:side, :side] / side
    waves = [random.random() * np.sin(2 * np.pi * (random.uniform(-6, 6, 2) @ np.stack([across.ravel(), down.ravel()])
             + random.random())) for _ in range(5)]  # fmt: skip
    total = np.sum(waves, axis=0).reshape(side, side)
    total = (total - total.min()) / np.ptp(total)
    return Image.fromarray((total[..., None] * random.integers(60, 256, 3)).astype(np.uint8))


def resized(picture: Picture, random: np.random.Generator) -> Picture:
    part = random.choice([0.5, 0.75, 1.5])
    return picture.resize((int(picture.width * part), int(picture.height * part)), Image.Resampling.BICUBIC)


def recompressed(picture: Picture, random: np.random.Generator) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(random.integers(60, 90)))
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def cropped(picture: Picture, random: np.random.Generator) -> Picture:
    """Cut 5 % of the width and of the height."""
    width, height = round(0.95 * picture.width), round(0.95 * picture.height)
    left, top = random.integers(0, picture.width - width + 1), random.integers(0, picture.height - height + 1)
    return picture.crop((int(left), int(top), int(left) + width, int(top) + height))


def brightened(picture: Picture, random: np.random.Generator) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(random.uniform(1.1, 1.3))


CHANGES = (resized, recompressed, cropped, brightened)


@pytest.fixture
def drawn() -> Callable[..., Picture]:
    return draw


@pytest.fixture
def changes() -> tuple[Callable[[Picture, np.random.Generator], Picture], ...]:
    """Return the functions that make a copy of a picture."""
    return CHANGES


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., DataCheckResult]:
    """Run the job ``data_check``."""
    count = iter(range(100))

    def run(path: Path, against: Path | None = None, **params: Any) -> DataCheckResult:
        work = tmp_path / f"check{next(count)}"
        work.mkdir()
        ctx = params.pop("ctx", None) or RecordingContext(work)
        given = DataCheckParams(path=str(path), against=None if against is None else str(against), **params)
        return check_data(given, ctx)

    return run


@pytest.fixture
def findings_of() -> Callable[[DataCheckResult, str], list[CheckFinding]]:
    """Return a function that returns the findings of one check."""
    return lambda result, check: [finding for finding in result.findings if finding.check == check]


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a CSV of texts and labels."""

    def write(name: str, rows: list[tuple[str, str]], header: str = "text,label") -> Path:
        lines = [header, *('"{}",{}'.format(text.replace('"', '""'), label) for text, label in rows)]
        path = tmp_path / name
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write
