"""Test that pages of the hub are requested until enough models fit, and where the token is, without opening a
keyring."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.credentials import TOKEN_FILE
from app.domain.hub import Wish
from app.services.flow.steps import StepResult
from app.services.hub.flows import ENOUGH, MAX_PAGES, FoundModels, find_models, hub_address, token_place
from workers.contracts.hub import HubModel, HubQuery, HubSearchResult
from workers.contracts.licenses import LicenseVerdict

OK = LicenseVerdict(word="ok", title="MIT", meaning="m")


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9/")
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return SimpleNamespace(paths=SimpleNamespace(hub=tmp_path))


def run(space: Any, wish: Wish, pages: list[int], per_page: int = 20) -> tuple[FoundModels, list[HubQuery]]:
    """Return the result and the queries of a search in which page n has `pages[n]` fitting models."""
    flow = find_models(space, HubQuery(text="x"), wish)
    requested: list[HubQuery] = []
    step = next(flow)
    for number, fitting in enumerate(pages, 1):
        requested.append(step.params.query)
        models = tuple(
            HubModel(repo=f"p{number}/m{row}", verdict=OK if row < fitting else None) for row in range(per_page)
        )
        result = HubSearchResult(models=models, next_cursor=f"after-{number}" if number < len(pages) else None)
        try:
            step = flow.send(StepResult(result, Path()))
        except StopIteration as stop:
            return stop.value, requested
    raise AssertionError("the search does not end")


def test_without_a_wish_one_page_is_enough(space: Any) -> None:
    """Given no filters, Then one request of the default size is made, however few models it returns."""
    found, requested = run(space, Wish(), [2, 2, 2], per_page=2)
    assert len(requested) == 1 and requested[0].limit == HubQuery().limit
    assert (len(found.models), found.next_cursor) == (2, "after-1")


def test_pages_follow_until_enough_fit(space: Any) -> None:
    """Given a filter, Then pages are requested, each with the cursor of the one before, until enough models fit."""
    found, requested = run(space, Wish(business=True), [5, 5, 5, 5, 5, 5])
    assert [query.cursor for query in requested] == [None, "after-1", "after-2"]
    assert len(found.models) == 15 >= ENOUGH
    assert (found.looked_at, found.next_cursor) == (60, "after-3")


def test_search_ends_after_a_few_pages(space: Any) -> None:
    """Given a filter that nothing fits, Then the search ends after a few pages with a cursor to continue."""
    found, requested = run(space, Wish(business=True), [0] * 50)
    assert len(requested) == MAX_PAGES and found.models == ()
    assert found.next_cursor == f"after-{MAX_PAGES}"


def test_the_last_page_is_the_last(space: Any) -> None:
    """Given fewer models than enough, Then there is no further cursor."""
    found, requested = run(space, Wish(business=True), [1, 0])
    assert len(requested) == 2 and found.next_cursor is None


def test_token_place_is_found_without_opening_it(space: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given no token, or one in a file, a keyring or the environment, Then its place is returned without opening it."""
    monkeypatch.setattr("keyring.get_password", lambda *_all: pytest.fail("the keyring was opened"))
    assert hub_address() == "http://127.0.0.1:9"
    assert token_place(space) == ""
    for kept in ("file", "keyring"):
        text = f'{{"http://127.0.0.1:9": {{"kept": "{kept}", "token": "t"}}, "http://other": {{"kept": "file"}}}}'
        (space.paths.hub / TOKEN_FILE).write_text(text)
        assert token_place(space) == kept
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    assert token_place(space) == "environment"
