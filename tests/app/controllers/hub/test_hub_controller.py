"""The page Hub's controller: who is asked when, late answers, what is shown of them, the way to a download."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from found_models import found
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.controllers.commands import CHOOSE_MODEL, OPEN_MODEL, OPEN_SAMPLE
from app.controllers.hub.controller import HubController
from app.services.hub.model_cache import ModelCache
from presets.starters import load_starters
from widgets.pages.hub.page import HubPage
from widgets.pages.hub.value import HubAskValue
from widgets.parts.question import QuestionDialog
from widgets.theme import Theme
from workers.contracts.hub import HubModel, HubModelResult, HubPushResult, HubSearchResult
from workers.contracts.licenses import LicenseVerdict

OK = LicenseVerdict(word="ok", title="Apache-2.0", meaning="may be used", expression="Apache-2.0")
NO = LicenseVerdict(word="noncommercial", title="CC-BY-NC-4.0", meaning="not in business", expression="CC-BY-NC-4.0")
told = partial(found, verdict=OK, formats=("onnx",), card="# Card")


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
    """What is asked for instead of a search: paths of models, the sample, a file."""
    said: list[str] = []
    window.commands.offer(OPEN_MODEL, said.append)
    window.commands.offer(OPEN_SAMPLE, lambda: said.append("sample"))
    window.commands.offer(CHOOSE_MODEL, lambda: said.append("file"))
    return said


@pytest.fixture
def hub(window: Any, page: HubPage, session: Any, flows: Any, theme: Theme, opened: list[str]) -> HubController:
    context: Any = SimpleNamespace(
        window=window, session=session, flows=flows, theme=theme, commands=window.commands, kept=None
    )
    return HubController(context, page)


def said(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def button(page: QWidget, text: str) -> QPushButton:
    (found,) = [b for b in page.findChildren(QPushButton) if b.isVisible() and b.text().startswith(text)]
    return found


def actions(page: HubPage) -> list[str]:
    return [b.text() for b in page.detail.findChildren(QPushButton, "hub-action") if b.isVisible()]


def rows(page: HubPage) -> list[str]:
    table = page.list.table.model()
    return [str(table.index(row, 0).data()).split(",")[0] for row in range(table.rowCount())]


def test_nothing_is_asked_before_a_search(hub: HubController, page: HubPage, flows: Any, qtbot: QtBot) -> None:
    """Given the page, When starters are shown and chosen, Then no flow begins until one is looked up."""
    assert rows(page) == [starter.repo.split("/")[1] for starter in load_starters()]
    assert "Not yet confirmed" in said(page)
    page.list.table.choose("Xenova/resnet-50")
    qtbot.wait(350)
    assert flows.asked == [] and page.state == "empty"
    button(page, "Look it up in the hub").click()
    assert [requested.kind for requested in flows.open] == ["hub_model"]
    flows.open[0].answer(told("Xenova/resnet-50"))
    assert button(page, "Download and use (1 kB)")


def test_last_search_counts(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a search under way, When another begins, Then the first is stopped."""
    hub.search(HubAskValue(text="re"))
    hub.search(HubAskValue(text="res"))
    assert len(flows.open) == 1 and flows.open[0].params.query.text == "res"
    flows.open[0].answer(page_of("a/one", "b/two"))
    assert rows(page) == ["one", "two"] and page.state == "full"


@pytest.mark.parametrize(
    ("ask", "task", "text"),
    [
        (HubAskValue(text="Recognize pictures"), "image-classification", ""),
        (HubAskValue(text="find things in pictures of streets"), "object-detection", "of streets"),
        (HubAskValue(text="sort texts"), "text-classification", ""),
        (HubAskValue(text="resnet"), None, "resnet"),
        (HubAskValue(text="recognize pictures", task="translation"), "translation", "recognize pictures"),
    ],
)
def test_plain_words_become_a_task(
    hub: HubController, flows: Any, ask: HubAskValue, task: str | None, text: str
) -> None:
    """Given words that say what a model shall do, Then the hub is asked for its task; a chosen task wins."""
    hub.search(ask)
    query = flows.open[0].params.query
    assert query.task == task
    assert query.text == text.removeprefix("of ")


def test_pages_follow_each_other(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a first page, When more are wanted, Then the next comes below it and the chosen row stays."""
    hub.search(HubAskValue(text="resnet"))
    flows.open[0].answer(page_of("a/one", "a/two", cursor="next"))
    page.list.table.choose("a/two")
    button(page, "Show more").click()
    (requested,) = [requested for requested in flows.open if requested.kind == "hub_search"]
    assert requested.params.query.cursor == "next" and page.state == "loading"
    requested.answer(page_of("a/three"))
    assert rows(page) == ["one", "two", "three"] and page.state == "full"
    assert page.list.table.chosen_id == "a/two"
    page.list.more_requested.emit()
    assert not [requested for requested in flows.open if requested.kind == "hub_search"], "it was the last page"


def test_what_the_hub_cannot_look_for_is_sorted_out_here(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given “business use”, Then pages are asked for until some fit, and the page says how many were looked at."""
    hub.search(HubAskValue(text="resnet", business=True))
    flows.open[0].answer(HubSearchResult(models=(model("a/nc", verdict=NO),), next_cursor="2"))
    flows.open[0].answer(HubSearchResult(models=(model("a/ok"), model("a/none", verdict=None))))
    assert rows(page) == ["ok"]
    assert "1 shown; 1 of the last 3 found match." in said(page)


def test_nothing_fits_is_told_apart_from_nothing_found(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given no row at the end, Then the page says whether the hub had none or the choices left none."""
    hub.search(HubAskValue(text="xyz"))
    flows.open[0].answer(page_of())
    assert "Nothing found" in said(page)
    hub.search(HubAskValue(text="xyz", business=True))
    flows.open[0].answer(HubSearchResult(models=(model("a/nc", verdict=NO),)))
    assert "Nothing fits" in said(page)


def test_without_a_network(opened: list[str], hub: HubController, page: HubPage, flows: Any) -> None:
    """Given no way to the hub, Then the page says so and offers what needs none."""
    hub.start("resnet")
    flows.open[0].fail("hub_unreachable")
    assert page.state == "error" and page.bar.field.isVisible() and page.detail.isHidden()
    assert "Detail hub_unreachable." in said(page)
    assert "You can also drop your own file or try the sample: neither needs a network." in said(page)
    button(page, "Choose a file").click()
    button(page, "Try the sample").click()
    assert opened == ["file", "sample"]
    button(page, "Try again").click()
    assert len(flows.open) == 1


def test_arrow_keys_ask_about_the_last_row_only(hub: HubController, page: HubPage, flows: Any, qtbot: QtBot) -> None:
    """Given a list, When the choice runs over rows, Then the hub is asked once, about the one where it rests."""
    hub.search(HubAskValue(text="resnet"))
    flows.open[0].answer(page_of("a/one", "a/two", "a/three"))
    page.list.table.choose("a/two")
    page.list.table.choose("a/three")
    qtbot.waitUntil(lambda: bool(flows.open), timeout=2000)
    assert [requested.params.repo for requested in flows.open] == ["a/three"]
    flows.open[0].answer(told("a/three"))
    page.list.table.choose("a/one")
    page.list.table.choose("a/three")
    qtbot.wait(400)
    assert flows.open == [], "what is known is not asked again"
    assert "1 kB" in said(page.detail) and "Apache-2.0: may be used" in said(page.detail)


def looked_up(page: HubPage, hub: HubController, flows: Any, result: HubModelResult) -> None:
    """A search with one model, chosen and known."""
    hub.search(HubAskValue(text="resnet"))
    flows.open[0].answer(page_of(result.repo))
    page.detail.action_requested.emit("again", result.repo)
    (requested,) = [requested for requested in flows.open if requested.kind == "hub_model"]
    requested.answer(result)


def test_a_pickle_needs_consent(hub: HubController, page: HubPage, flows: Any, window: Any) -> None:
    """Given files that can contain a program, Then they are fetched after a yes only, and told to be consented to."""
    looked_up(page, hub, flows, told("a/old", wanted=(), total_bytes=0, needs_consent=True, safe=False))
    assert "files that can contain a program" in said(page.detail)
    for answer, begun in (("no", []), ("download", ["hub_model"])):
        button(page, "Download anyway").click()
        (dialog,) = [d for d in window.findChildren(QuestionDialog) if d.isVisible()]
        dialog.answered.emit(answer)
        dialog.close()
        assert [requested.kind for requested in flows.open] == begun
    assert flows.open[0].params.allow_pickle is True


def test_a_model_that_nothing_here_can_open(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given no file that Fettle opens, Then there is no button and the reason is told."""
    looked_up(page, hub, flows, told("a/gguf", wanted=(), total_bytes=0, formats=("gguf",)))
    assert "Fettle cannot open it" in said(page.detail) and "gguf" in said(page.detail)
    assert not actions(page)


def test_no_room_is_told_before_the_download(
    hub: HubController, page: HubPage, flows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a model larger than the free space, Then it says what is missing and cannot be begun."""
    monkeypatch.setattr("app.controllers.hub.chosen.ModelCache.free_bytes", lambda _self: 500)
    looked_up(page, hub, flows, told("a/big"))
    assert "only 500 bytes are free" in said(page.detail)
    assert not actions(page)


def test_gated_with_a_token(hub: HubController, page: HubPage, flows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a gated model, When a token is kept, Then the hub is asked whose it is, then about the model again."""
    looked_up(page, hub, flows, told("meta/gated", gated=True))
    assert "Its author approves each user" in said(page.detail)
    assert not actions(page)
    monkeypatch.setattr("app.services.hub.flows.save_token", lambda *_all: "file")
    page.detail.token_given.emit("meta/gated", "hf_secret")
    assert flows.open[0].kind == "hub_login"
    flows.open[0].answer(HubPushResult(user="me"))
    assert [requested.kind for requested in flows.open] == ["hub_model"]


def test_a_refused_token_is_told_beside_the_field(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a token that the hub does not know, Then its words stand below the field, and the steps stay."""
    looked_up(page, hub, flows, told("meta/gated", gated=True))
    page.detail.token_given.emit("meta/gated", "hf_wrong")
    flows.open[0].fail("hub_bad_token", 3)
    assert "Detail hub_bad_token. Hint hub_bad_token." in said(page.detail)
    assert "Its author approves each user" in said(page.detail)


def test_links_are_opened_after_a_question_only(hub: HubController, page: HubPage, window: Any) -> None:
    """Given a link of a card, Then the whole address is shown first; others than http(s) are never followed."""
    address = "https://example.org/" + "a" * 300
    page.link_clicked.emit(address)
    (dialog,) = [d for d in window.findChildren(QuestionDialog) if d.isVisible()]
    assert address in said(dialog)
    dialog.close()
    page.link_clicked.emit("file:///etc/passwd")
    assert not [d for d in window.findChildren(QuestionDialog) if d.isVisible()]


def test_the_rail_of_other_pages(hub: HubController, page: HubPage, window: Any, flows: Any) -> None:
    """Given words from the page Model, Then the hub's page opens and asks; without words it shows the starters."""
    window.current_page = "model"
    hub.start("")
    assert window.current_page == "hub" and flows.asked == []
    hub.start("recognize pictures")
    assert page.bar.field.text() == "recognize pictures"
    assert flows.open[0].params.query.task == "image-classification"


@pytest.mark.parametrize("stays", [True, False])
def test_a_download_is_opened_where_somebody_waits_for_it(
    opened: list[str], hub: HubController, page: HubPage, flows: Any, window: Any, stays: bool
) -> None:
    """Given a download that ends, Then it is opened if the page is still in view; else a button waits for the person."""
    looked_up(page, hub, flows, told("a/one"))
    button(page, "Download and use").click()
    flows.open[0].answer(told("a/one"))
    assert not actions(page), "not twice"
    if not stays:
        window.show_page("goal")
    flows.open[0].finish()
    assert [Path(path).name for path in opened] == (["model.onnx"] if stays else [])
    if not stays:
        assert "Whole and checked" in said(page)
        page.downloads.open_requested.emit("a/one")
    assert len(opened) == 1 and page.downloads.isHidden()
    assert button(page, "Use it"), "what is here is not downloaded again"


def test_another_version_is_no_copy_of_what_is_here(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a model on this computer, When the hub has a newer version, Then that one can be downloaded."""
    looked_up(page, hub, flows, told("a/one"))
    button(page, "Download and use").click()
    flows.open[0].answer(told("a/one"))
    flows.open[0].finish()
    page.detail.action_requested.emit("again", "a/one")
    flows.open[0].answer(told("a/one", commit="d" * 40))
    assert button(page, "Download and use")


def test_what_settings_removed_is_off_the_list(hub: HubController, page: HubPage, flows: Any) -> None:
    """Given a paused download, When its pieces are removed in the settings, Then the page forgets it, too."""
    looked_up(page, hub, flows, told("a/one"))
    button(page, "Download and use").click()
    flows.open[0].answer(told("a/one"))
    page.downloads.pause_requested.emit("a/one")
    assert page.downloads.isVisible()
    model_cache = ModelCache(hub.downloads._workspace.paths.hub)
    model_cache.discard(model_cache.pending_downloads()[0].key)
    hub.shown()
    assert page.downloads.isHidden()
