"""Tests of the controller of the page Hub: when it queries the hub, what it shows, and the download of a model."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from found_models import found
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from read_page import answer, button, press, question, words

from app.controllers.commands import CHOOSE_MODEL, OPEN_MODEL, OPEN_SAMPLE
from app.controllers.hub.controller import HubController
from app.services.hub.model_cache import ModelCache
from presets.starters import load_starters
from widgets.pages.hub.page import HubPage
from widgets.pages.hub.value import HubQueryValue
from widgets.parts.question import QuestionDialog
from widgets.theme import Theme
from workers.contracts.hub import HubModel, HubModelResult, HubPushResult, HubSearchResult
from workers.contracts.licenses import LicenseVerdict

OK = LicenseVerdict(word="ok", title="Apache-2.0", meaning="may be used", expression="Apache-2.0")
NO = LicenseVerdict(word="noncommercial", title="CC-BY-NC-4.0", meaning="not in business", expression="CC-BY-NC-4.0")
hub_model = partial(found, verdict=OK, formats=("onnx",), card="# Card")


def model(repo: str, **more: Any) -> HubModel:
    return HubModel(**{"repo": repo, "task": "image-classification", "formats": ("onnx",), "verdict": OK, **more})


def page_of(*repos: str, cursor: str | None = None) -> HubSearchResult:
    return HubSearchResult(models=tuple(model(repo) for repo in repos), next_cursor=cursor)


@pytest.fixture
def page(theme: Theme, qtbot: QtBot) -> HubPage:
    made = HubPage(theme)
    qtbot.addWidget(made)
    made.resize(1072, 714)
    made.show()
    return made


@pytest.fixture
def opened(window: Any) -> list[str]:
    """Return what the page requested: paths of models, the sample, a file."""
    requests: list[str] = []
    window.commands.offer(OPEN_MODEL, requests.append)
    window.commands.offer(OPEN_SAMPLE, lambda: requests.append("sample"))
    window.commands.offer(CHOOSE_MODEL, lambda: requests.append("file"))
    return requests


@pytest.fixture
def hub(window: Any, page: HubPage, session: Any, flows: Any, theme: Theme, opened: list[str]) -> HubController:
    context: Any = SimpleNamespace(
        window=window, session=session, flows=flows, theme=theme, commands=window.commands, settings=None
    )
    return HubController(context, page)


def actions(page: HubPage) -> list[str]:
    return [b.text() for b in page.detail.findChildren(QPushButton, "hub-action") if b.isVisible()]


def rows(page: HubPage) -> list[str]:
    table = page.list.table.model()
    return [str(table.index(row, 0).data()).split(",")[0] for row in range(table.rowCount())]


def test_hub_is_not_queried_before_a_search(hub: HubController, page: HubPage, flows: Any, qtbot: QtBot) -> None:
    """Given the page, when starters are selected, then no flow starts until one is looked up."""
    assert rows(page) == [starter.repo.split("/")[1] for starter in load_starters()]
    assert "Not yet confirmed" in words(page)
    page.list.table.choose("Xenova/resnet-50")
    qtbot.wait(350)
    assert flows.started == [] and page.state == "empty"
    press(page, "Look it up in the hub")
    assert [requested.kind for requested in flows.open] == ["hub_model"]
    flows.open[0].answer(hub_model("Xenova/resnet-50"))
    assert button(page, "Download and use (1 kB)")


def test_new_search_stops_the_previous_one(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a running search, when another one starts, then the first is stopped."""
    hub.search(HubQueryValue(text="re"))
    hub.search(HubQueryValue(text="res"))
    assert len(flows.open) == 1 and flows.open[0].params.query.text == "res"
    flows.open[0].answer(page_of("a/one", "b/two"))
    assert rows(page) == ["one", "two"] and page.state == "full"


@pytest.mark.parametrize(
    ("form", "task", "text"),
    [
        (HubQueryValue(text="Recognize pictures"), "image-classification", ""),
        (HubQueryValue(text="find things in pictures of streets"), "object-detection", "of streets"),
        (HubQueryValue(text="sort texts"), "text-classification", ""),
        (HubQueryValue(text="resnet"), None, "resnet"),
        (HubQueryValue(text="recognize pictures", task="translation"), "translation", "recognize pictures"),
    ],
)
def test_plain_words_become_a_task(
    hub: HubController, flows: Any, form: HubQueryValue, task: str | None, text: str
) -> None:
    """Given words for what a model does, then the hub is queried for its task; a chosen task has priority."""
    hub.search(form)
    query = flows.open[0].params.query
    assert query.task == task
    assert query.text == text.removeprefix("of ")


def test_next_page_is_added_below(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a first page, when more models are requested, then the next page is added below and the selected row stays."""
    hub.search(HubQueryValue(text="resnet"))
    flows.open[0].answer(page_of("a/one", "a/two", cursor="next"))
    page.list.table.choose("a/two")
    press(page, "Show more")
    (requested,) = [requested for requested in flows.open if requested.kind == "hub_search"]
    assert requested.params.query.cursor == "next" and page.state == "loading"
    requested.answer(page_of("a/three"))
    assert rows(page) == ["one", "two", "three"] and page.state == "full"
    assert page.list.table.chosen_id == "a/two"
    page.list.more_requested.emit()
    assert not [requested for requested in flows.open if requested.kind == "hub_search"], "it was the last page"


def test_pages_are_requested_until_models_match(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given “business use”, then pages are requested until some models match, and the page shows how many were checked."""
    hub.search(HubQueryValue(text="resnet", business=True))
    flows.open[0].answer(HubSearchResult(models=(model("a/nc", verdict=NO),), next_cursor="2"))
    flows.open[0].answer(HubSearchResult(models=(model("a/ok"), model("a/none", verdict=None))))
    assert rows(page) == ["ok"]
    assert "1 shown; 1 of the last 3 found match." in words(page)


def test_empty_result_distinguishes_no_match_from_nothing_found(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given no row at the end, then the page shows whether the hub found none or the filters excluded all."""
    hub.search(HubQueryValue(text="xyz"))
    flows.open[0].answer(page_of())
    assert "Nothing found" in words(page)
    hub.search(HubQueryValue(text="xyz", business=True))
    flows.open[0].answer(HubSearchResult(models=(model("a/nc", verdict=NO),)))
    assert "Nothing fits" in words(page)


def test_without_a_network_the_page_offers_alternatives(
    opened: list[str], hub: HubController, page: HubPage, flows: Any
) -> None:
    """Given no connection to the hub, then the page shows that and offers what needs none."""
    hub.start("resnet")
    flows.open[0].fail("hub_unreachable")
    assert page.state == "error" and page.bar.field.isVisible() and page.detail.isHidden()
    assert "Detail hub_unreachable." in words(page)
    assert "You can also drop your own file or try the sample: neither needs a network." in words(page)
    press(page, "Choose a file")
    press(page, "Try the sample")
    assert opened == ["file", "sample"]
    press(page, "Try again")
    assert len(flows.open) == 1


def test_arrow_keys_query_the_last_row_only(hub: HubController, page: HubPage, flows: Any, qtbot: QtBot) -> None:
    """Given a list, when the selection moves over rows, then the hub is queried once, for the row where it stops."""
    hub.search(HubQueryValue(text="resnet"))
    flows.open[0].answer(page_of("a/one", "a/two", "a/three"))
    page.list.table.choose("a/two")
    page.list.table.choose("a/three")
    qtbot.waitUntil(lambda: bool(flows.open), timeout=2000)
    assert [requested.params.repo for requested in flows.open] == ["a/three"]
    flows.open[0].answer(hub_model("a/three"))
    page.list.table.choose("a/one")
    page.list.table.choose("a/three")
    qtbot.wait(400)
    assert flows.open == [], "a known model is not queried again"
    assert "1 kB" in words(page.detail) and "Apache-2.0: may be used" in words(page.detail)


def looked_up(page: HubPage, hub: HubController, flows: Any, result: HubModelResult) -> None:
    """Search for one model, select it and look it up."""
    hub.search(HubQueryValue(text="resnet"))
    flows.open[0].answer(page_of(result.repo))
    page.detail.action_requested.emit("again", result.repo)
    (requested,) = [requested for requested in flows.open if requested.kind == "hub_model"]
    requested.answer(result)


def start_download(page: HubPage, hub: HubController, flows: Any) -> None:
    """Start the download of the model a/one."""
    looked_up(page, hub, flows, hub_model("a/one"))
    press(page, "Download and use")
    flows.open[0].answer(hub_model("a/one"))


def test_pickle_needs_consent(hub: HubController, page: HubPage, flows: Any, window: Any) -> None:
    """Given files that can contain a program, then they are downloaded only after consent, which the request states."""
    looked_up(page, hub, flows, hub_model("a/old", wanted=(), total_bytes=0, needs_consent=True, safe=False))
    assert "files that can contain a program" in words(page.detail)
    for name, begun in (("", []), ("download", ["hub_model"])):
        press(page, "Download anyway")
        answer(window, name)
        assert [requested.kind for requested in flows.open] == begun
    assert flows.open[0].params.allow_pickle is True


def test_model_without_known_format_has_no_action(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given no file that Fettle opens, then there is no button and the reason is shown."""
    looked_up(page, hub, flows, hub_model("a/gguf", wanted=(), total_bytes=0, formats=("gguf",)))
    assert "Fettle cannot open it" in words(page.detail) and "gguf" in words(page.detail)
    assert not actions(page)


def test_model_larger_than_the_free_space_has_no_action(
    hub: HubController, page: HubPage, flows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a model larger than the free space, then the page shows what is missing, and there is no button."""
    monkeypatch.setattr("app.controllers.hub.chosen.ModelCache.free_bytes", lambda _self: 500)
    looked_up(page, hub, flows, hub_model("a/big"))
    assert "only 500 bytes are free" in words(page.detail)
    assert not actions(page)


def test_given_token_unlocks_a_gated_model(
    hub: HubController, page: HubPage, flows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a gated model, when a token is given, then the hub is queried for its user, then again for the model."""
    looked_up(page, hub, flows, hub_model("meta/gated", gated=True))
    assert "Its author approves each user" in words(page.detail)
    assert not actions(page)
    monkeypatch.setattr("app.services.hub.flows.save_token", lambda *_all: "file")
    page.detail.token_given.emit("meta/gated", "hf_secret")
    assert flows.open[0].kind == "hub_login"
    flows.open[0].answer(HubPushResult(user="me"))
    assert [requested.kind for requested in flows.open] == ["hub_model"]


def test_refused_token_shows_the_reason(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a token that the hub refuses, then the reason is shown below the field, and the steps stay."""
    looked_up(page, hub, flows, hub_model("meta/gated", gated=True))
    page.detail.token_given.emit("meta/gated", "hf_wrong")
    flows.open[0].fail("hub_bad_token", 3)
    assert "Detail hub_bad_token. Hint hub_bad_token." in words(page.detail)
    assert "Its author approves each user" in words(page.detail)


def test_links_are_opened_after_a_question_only(hub: HubController, page: HubPage, window: Any) -> None:
    """Given a link of a card, then the whole address is shown first; addresses other than http(s) are never opened."""
    address = "https://example.org/" + "a" * 300
    page.link_clicked.emit(address)
    dialog = question(window)
    assert address in words(dialog)
    dialog.close()
    page.link_clicked.emit("file:///etc/passwd")
    assert not [d for d in window.findChildren(QuestionDialog) if d.isVisible()]


def test_start_opens_the_page_with_a_search(hub: HubController, page: HubPage, window: Any, flows: Any) -> None:
    """Given words from the page Model, then the page Hub opens and searches; without words it shows the starters."""
    window.current_page = "model"
    hub.start("")
    assert window.current_page == "hub" and flows.started == []
    hub.start("recognize pictures")
    assert page.bar.field.text() == "recognize pictures"
    assert flows.open[0].params.query.task == "image-classification"


@pytest.mark.parametrize("stays", [True, False])
def test_finished_download_opens_only_while_the_page_is_shown(
    opened: list[str], hub: HubController, page: HubPage, flows: Any, window: Any, stays: bool
) -> None:
    """Given a finished download, then it is opened if the page is still shown; otherwise a button opens it."""
    start_download(page, hub, flows)
    assert not actions(page), "not twice"
    if not stays:
        window.show_page("goal")
    flows.open[0].finish()
    assert [Path(path).name for path in opened] == (["model.onnx"] if stays else [])
    if not stays:
        assert "Whole and checked" in words(page)
        page.downloads.open_requested.emit("a/one")
    assert len(opened) == 1 and page.downloads.isHidden()
    assert button(page, "Use it"), "a model on this computer is not downloaded again"


def test_newer_version_can_be_downloaded(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a model on this computer, when the hub has a newer version, then that one can be downloaded."""
    start_download(page, hub, flows)
    flows.open[0].finish()
    page.detail.action_requested.emit("again", "a/one")
    flows.open[0].answer(hub_model("a/one", commit="d" * 40))
    assert button(page, "Download and use")


def test_download_removed_in_settings_leaves_the_list(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a paused download, when its data are removed on Settings, then the page no longer lists it."""
    start_download(page, hub, flows)
    page.downloads.pause_requested.emit("a/one")
    assert page.downloads.isVisible()
    model_cache = ModelCache(hub.downloads._workspace.paths.hub)
    model_cache.discard(model_cache.pending_downloads()[0].key)
    hub.shown()
    assert page.downloads.isHidden()
