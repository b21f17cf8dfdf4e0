"""Pages of real optimized models in a real browser: from file:// and from loopback they answer as run.py does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported_models import Optimized
from web_pages import ask, drop, expected, on_loopback, wait_until_ready

from workers.pipeline.pipeline import load_pipeline

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]
ALIKE = 0.999
"""Cosine of vectors: the engine for browsers adds in another order, and rounds to whole numbers elsewhere."""


@pytest.mark.parametrize("opened_from", ["folder", "server"])
def test_the_page_answers_as_the_app(browser: Any, model: Optimized, opened_from: str) -> None:
    """Given the page from its folder and from loopback, when pictures are dropped or texts written, then classes, parts of
    the picture, or vectors are those of the Python bundle."""
    page = model.bundle("web")
    with on_loopback(page) as loopback:
        browser.get((page / "index.html").as_uri() if opened_from == "folder" else loopback)
        wait_until_ready(browser)
        for given in model.given():
            compare(page, drop(browser, given) if isinstance(given, Path) else ask(browser, given), given)


def compare(page: Path, found: dict[str, Any], given: Any) -> None:
    wanted, kind = expected(page, given), load_pipeline(page).spec.answer_kind
    if kind == "class":
        assert found["words"] == wanted["answer"]
        assert found["rows"][0]["share"] == pytest.approx(next(iter(wanted["scores"].values())), abs=0.02)
    elif kind == "mask":
        shares = {row["label"]: row["share"] for row in found["rows"]}
        assert shares == pytest.approx(wanted["shares"], abs=0.005)
    else:
        mine, theirs = np.ravel(wanted["answer"]), np.array(found["values"])
        assert len(theirs) and float(theirs @ mine / np.linalg.norm(theirs) / np.linalg.norm(mine)) >= ALIKE
