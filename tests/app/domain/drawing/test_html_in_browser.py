"""The exported page in a real browser: its own script runs under its policy, and hostile names do nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import opened_browser
from compared_graphs import blocks, compared

from app.domain.drawing.html import html_of

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_browser() as made:
        yield made


def listed(browser: Any) -> int:
    return len(browser.find_elements("css selector", "tbody tr:not([hidden])"))


def test_page_works_by_mouse_and_keys(browser: Any, tmp_path: Path) -> None:
    """Given the page, when a reason is clicked, then only its operators are listed; levels change, a search finds, a
    click on a box lists it, and the browser reports no breach of the policy."""
    result = compared(blocks(12), cast_every=17)
    page = tmp_path / "page.html"
    page.write_text(html_of(result, ("before", "after")), encoding="utf-8")
    browser.get(page.as_uri())
    assert listed(browser) == len(result.nodes)
    browser.find_element("css selector", "li button").click()
    assert listed(browser) == result.counts["rounded"]
    search = browser.find_element("css selector", "input")
    search.send_keys("softmax")
    assert listed(browser) == 12
    browser.find_element("css selector", "[data-do=all]").click()
    assert listed(browser) == len(result.nodes)
    browser.find_element("css selector", "[data-do=more]").click()
    shown = browser.find_elements("css selector", ".level:not([hidden])")
    assert len(shown) == 1 and len(shown[0].find_elements("css selector", "g")) == len(result.levels[1].boxes)
    browser.find_element("css selector", "[data-do=less]").click()
    browser.find_element("css selector", ".level:not([hidden]) g:last-of-type text").click()
    assert listed(browser) == len(result.levels[0].boxes[-1].nodes)
    assert browser.get_log("browser") == []


def test_hostile_names_run_nothing(browser: Any, tmp_path: Path) -> None:
    """Given names of operators that are markup with scripts, then they are shown as text and nothing runs."""
    made = compared(blocks(2))
    hostile = "</td><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
    nodes = tuple(one.model_copy(update={"a": f"{one.a}{hostile}", "op": hostile}) for one in made.nodes)
    page = tmp_path / "page.html"
    page.write_text(html_of(made.model_copy(update={"nodes": nodes}), (hostile, "after")), encoding="utf-8")
    browser.get(page.as_uri())
    assert browser.title.startswith("What changed between") and not browser.find_elements("css selector", "img")
    assert hostile in browser.find_element("css selector", "tbody td").text
