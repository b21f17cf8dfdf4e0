"""A real browser as the phone, on loopback: it measures pages of all kinds, and its answers are those of the bundle."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import opened_browser
from web_pages import detectors, masks, pictures, texts, wait_for

from app.jobs.phone_page import PhonePage

DONE = "document.querySelector('[data-done], [data-failed]')"


@pytest.fixture(scope="module")
def phone() -> Iterator[Any]:
    with opened_browser() as found:
        yield found


@pytest.mark.whole
@pytest.mark.parametrize("kind", [pictures, texts, detectors, masks])
def test_browser_measures_a_page_and_answers_alike(phone: Any, page_of: Any, tmp_path: Path, kind: Any) -> None:
    """Given the code's address in a browser, Then times and predictions arrive, all alike, the model can be tried, the
    browser complains of nothing, and the same address is refused to another device."""
    page = PhonePage(tmp_path / "phone")
    page.bundles.mkdir(parents=True)
    shutil.copytree(page_of(kind)[1], page.bundles / "v1")
    phone.get("about:blank")  # from the page of the kind before, whose address may differ in its key alone
    phone.get_log("browser")
    try:
        assert page.open("v1", "127.0.0.1", lambda: False)
        phone.get(page.address)
        wait_for(phone, DONE)
        figures = page.state().figures
        assert figures.n_times >= 5 and figures.n_alike == figures.n_predictions > 0
        assert 0 < figures.median_ms <= figures.p90_ms and figures.browser.startswith("Chrome ")
        assert phone.find_element("id", "drop").is_displayed() and "#" not in phone.current_url
        assert phone.get_log("browser") == []
        if kind is pictures:  # a reload measures again, but the first result stays
            phone.refresh()
            wait_for(phone, DONE)
            assert "It was measured before." in phone.find_element("id", "measured").text
            assert page.state().figures == figures
        phone.delete_all_cookies()
        phone.get(page.address)
        wait_for(phone, "document.getElementById('title')?.textContent.includes('already used')")
    finally:
        page.close()
