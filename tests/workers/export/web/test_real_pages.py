"""Pages of real models in a browser: classes, vectors and masks are the Python bundle's (FETTLE_MODELS_DIR)."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from browser import opened_browser
from recording import RecordingContext
from web_pages import Page, ask, drop, expected, wait_until_ready, written

from presets.sample import sample_paths
from workers.contracts.jobs import OpenParams, OpenResult
from workers.contracts.pipeline import read_pipeline
from workers.pipeline.pipeline import load_pipeline
from workers.runtime.kinds import load_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TEXTS = ("What a lovely day, isn't it?", "Grüße aus Köln – naïve café №7, 日本語", "short " * 400)
ALIKE = 0.9999
"""Cosine of vectors: the engine for browsers adds in another order."""


def page_of(path: str, sources: tuple[Any, ...], tmp_path: Path) -> Path:
    """The model at `path` as the program opens it, written as a page."""
    (tmp_path / "open").mkdir()
    opened = load_job("open").run(OpenParams(path=path), RecordingContext(tmp_path / "open", threads=2))
    assert isinstance(opened, OpenResult)
    folder = tmp_path / "open" / opened.model_dir
    spec = read_pipeline(folder)
    tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8") if spec.preprocess.kind == "text" else ""
    proto = onnx.load(str(folder / "model.onnx"))
    result, page = written(Page(spec, proto, sources, tokenizer), tmp_path / "made")
    assert "answers as here" in result.selftest[-1].detail
    return page


def photos(root: Path) -> list[Path]:
    return sorted(root.glob("*.png")) + sorted(root.glob("*.jp*g"))


def test_the_sample(tmp_path: Path) -> None:
    """Given the built-in sample, then each of its pictures gets the same class and shares in the browser."""
    from PIL import Image

    stored = np.load(sample_paths().data)["x"]
    page = page_of(str(sample_paths().model), tuple(stored[:4]), tmp_path)
    with opened_browser() as browser:
        browser.get((page / "index.html").as_uri())
        wait_until_ready(browser)
        for number in range(12):
            path = tmp_path / f"{number}.png"
            Image.fromarray(stored[number]).save(path)
            found = drop(browser, path)
            assert {row["label"]: row["share"] for row in found["rows"]} == pytest.approx(
                expected(page, path)["scores"], abs=1e-4
            )


@pytest.mark.models
def test_mobilenet_v2(tmp_path: Path) -> None:
    """Given MobileNetV2 and photographs, then the first class is the app's for all, shares within 2 % of the whole."""
    root = Path(os.environ["FETTLE_MODELS_DIR"])
    pictures = (photos(root / "DATA" / "foolbox20_imagenet") + photos(root / "DATA" / "photos"))[:24]
    page = page_of(
        str(root / "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx"), tuple(pictures[:4]), tmp_path
    )
    with opened_browser() as browser:
        browser.get((page / "index.html").as_uri())
        wait_until_ready(browser)
        for path in pictures:
            found, wanted = drop(browser, path), expected(page, path)
            assert found["words"] == wanted["answer"], path.name
            assert found["rows"][0]["share"] == pytest.approx(next(iter(wanted["scores"].values())), abs=0.02), (
                path.name
            )


@pytest.mark.models
def test_minilm(tmp_path: Path) -> None:
    """Given MiniLM of 90 MB and texts of several alphabets, also longer than it takes, then its vectors are the app's."""
    root = Path(os.environ["FETTLE_MODELS_DIR"])
    page = page_of(str(root / "P/P03_all_minilm_l6_safetensors"), TEXTS, tmp_path)
    with opened_browser() as browser:
        browser.get((page / "index.html").as_uri())
        wait_until_ready(browser)
        for text in TEXTS[:2]:
            found, wanted = np.array(ask(browser, text)["values"]), np.array(expected(page, text)["answer"]).ravel()
            assert float(found @ wanted / np.linalg.norm(found) / np.linalg.norm(wanted)) >= ALIKE


@pytest.mark.models
def test_the_text_detector(tmp_path: Path) -> None:
    """Given PP-OCR's detector of texts, then what it marks in a photograph is what the app marks."""
    root = Path(os.environ["FETTLE_MODELS_DIR"])
    pictures = photos(root / "DATA" / "photos")[:3]
    page = page_of(str(root / "P/P06_ppocr_v6/PP-OCRv6_det_small.onnx"), tuple(pictures), tmp_path)
    kind = load_pipeline(page).spec.answer_kind
    with opened_browser() as browser:
        browser.get((page / "index.html").as_uri())
        wait_until_ready(browser)
        for path in pictures:
            found, wanted = drop(browser, path), expected(page, path)
            if kind == "mask":
                shares = {row["label"]: row["share"] for row in found["rows"]}
                assert shares == pytest.approx(wanted["shares"], abs=0.005)
            else:
                assert np.allclose(found["values"], np.ravel(wanted["answer"])[: len(found["values"])], atol=0.02)
