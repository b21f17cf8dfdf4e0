"""The page to try a service, in a real browser: with a key it shows the model only after the key was typed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import opened_browser
from hostile_requests import bundle_of
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from served_bundles import KEY, start, stop
from web_pages import texts, wait_for


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_of(texts(), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_browser() as found:
        yield found


@pytest.mark.whole
@pytest.mark.parametrize("is_guarded", [False, True])
def test_page_answers(bundle: Path, browser: Any, key_file: Path, is_guarded: bool) -> None:
    """Given a service with or without a key, Then a text is answered on its page; with a key, once that was typed."""
    served = start(bundle, *(("--api-key-file", str(key_file)) if is_guarded else ()))
    browser.get(f"http://{served.address}/")
    key = browser.find_element(By.ID, "key")
    assert key.is_displayed() is is_guarded
    assert browser.find_element(By.ID, "asking").is_displayed() is not is_guarded
    if is_guarded:
        key.send_keys("another key of letters", Keys.ENTER)
        wait_for(browser, "document.querySelector('#out .bad') !== null")
        assert not browser.find_element(By.ID, "asking").is_displayed()
        key.clear()
        key.send_keys(KEY, Keys.ENTER)
        wait_for(browser, "!document.getElementById('asking').hidden")
    browser.find_element(By.ID, "text").send_keys("the cat")
    browser.find_element(By.ID, "ask").click()
    wait_for(browser, "document.querySelector('#out strong') !== null")
    assert browser.find_element(By.CSS_SELECTOR, "#out strong").text in ("good", "bad", "odd")
    assert "/my-shop/infer" in browser.find_element(By.ID, "path").text
    assert stop(served) == (0, "")
