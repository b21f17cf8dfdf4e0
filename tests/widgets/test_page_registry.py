"""What pages say of themselves."""

import subprocess
import sys
from dataclasses import replace

import pytest

from widgets import page_registry
from widgets.page_registry import DuplicatePageError, PageSpec, find_pages, pages_below

NUMBERED = ["model", "data", "goal", "optimize", "compare", "try", "export"]


def test_all_pages_are_found_in_their_order() -> None:
    """Given the program, then the steps come first, and what lies below Compare in the order of its row."""
    pages = find_pages()
    assert [page.id for page in pages if page.place == "step"] == NUMBERED
    rest = ["projects", "releases", "monitor", "jobs", "settings", "guide"]
    assert [page.id for page in pages if page.place == "rest"] == rest
    assert [page.id for page in pages_below("compare")] == ["answers", "stress", "load", "changes"]
    assert all(page.title and page.icon for page in pages)
    assert all(page.summary for page in pages if page.place == "step")


def test_to_know_them_loads_none() -> None:
    """Given a fresh interpreter, when all pages are found, then no module of a page and no widget library is loaded."""
    code = (
        "import sys; from widgets.page_registry import find_pages; find_pages()\n"
        "print([m for m in sys.modules if m.startswith('widgets.pages.') and m.count('.') > 2 or 'QtWidgets' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "model"}, "one and two both have the id “model”"),
        ({"place": "below", "below": "nowhere"}, "two is below “nowhere”, which is no page"),
        ({"below": "model"}, "two is below “model”"),
    ],
)
def test_invalid_page_is_reported(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], message: str) -> None:
    """Given two folders of one id, or a page below none, then an error names the folder."""
    first: PageSpec = find_pages()[0]
    second = replace(first, **{"id": "other", **changes})
    monkeypatch.setattr(page_registry, "_scan", lambda: iter([("one", first), ("two", second)]))
    with pytest.raises(DuplicatePageError, match=message):
        find_pages.__wrapped__()
