"""The page Hub by mouse and keys: requests, choices, what the button does, downloads, the author's card."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QTextBrowser, QWidget
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import press, recorded
from widgets.pages.hub.card import HubCard
from widgets.pages.hub.page import HubPage
from widgets.pages.hub.value import DownloadValue, HubListValue, HubQueryValue
from widgets.pages.model.page import ModelPage
from widgets.pages.settings.page import SettingsPage
from widgets.parts.format import ago
from widgets.theme import Theme
from workers.contracts.translation import set_language

Press = Callable[[QWidget, str], QAbstractButton]


@pytest.fixture
def page(theme: Theme, examples: ModuleType, shown: Any) -> HubPage:
    """With models of the hub, at the usual window's size."""
    made = HubPage(theme)
    made.bar.set_tasks(examples.TASKS)
    made.show_list(examples.hub_list(8))
    made.detail.show_value(examples.hub_detail())
    shown(made)
    return made


@pytest.fixture
def requests(page: HubPage) -> list[HubQueryValue]:
    """Every search that the page wants."""
    return recorded(page.search_requested)


def choice(page: HubPage, name: str) -> QComboBox:
    found = [box for box in page.findChildren(QComboBox) if box.accessibleName() == name and box.isVisible()]
    assert len(found) == 1, name
    return found[0]


def test_typing_searches_once_it_pauses(page: HubPage, requests: list[HubQueryValue], qtbot: QtBot) -> None:
    """Given the field, Then a word is searched after a pause, and one letter only by Enter, each of them once."""
    qtbot.keyClicks(page.bar.field, "r")
    qtbot.wait(400)
    assert requests == []
    qtbot.keyClick(page.bar.field, Qt.Key.Key_Return)
    qtbot.keyClicks(page.bar.field, "esnet", delay=10)
    assert requests == [HubQueryValue(text="r")]
    qtbot.waitUntil(lambda: len(requests) > 1, timeout=2000)
    qtbot.wait(400)
    assert requests == [HubQueryValue(text="r"), HubQueryValue(text="resnet")]


def test_showing_requests_nothing(theme: Theme, examples: ModuleType, shown: Any, qtbot: QtBot) -> None:
    """Given a page that is opened, shown, filled and narrowed, Then no signal requests anything."""
    made = HubPage(theme)
    requests: list[object] = []
    for signal in (made.search_requested, made.list.more_requested, made.detail.action_requested, made.list.chosen):
        signal.connect(lambda *what: requests.append(what))
    made.bar.set_tasks(examples.TASKS)
    made.show_list(examples.hub_starters())
    made.start(HubQueryValue(text="recognize pictures", task="translation", business=True))
    shown(made)
    made.resize(816, 614)
    qtbot.wait(400)
    assert requests == []
    assert made.bar.value == HubQueryValue(text="recognize pictures", task="translation", business=True)


def test_choices_in_plain_words(
    page: HubPage, examples: ModuleType, requests: list[HubQueryValue], qtbot: QtBot
) -> None:
    """Given the choices, When each is changed by keys, Then each asks with what was chosen until then."""
    for name in ("What it does", "License", "Size", "Runs here", "Order"):
        box = choice(page, name)
        box.setFocus()
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert requests[-1] == HubQueryValue("", "image-classification", True, 100_000_000, True, "downloads")
    assert len(requests) == 5
    box = choice(page, "What it does")
    assert tuple((box.itemData(row), box.itemText(row)) for row in range(1, box.count())) == examples.TASKS


def test_the_choice_of_licenses_keeps_its_value_in_a_narrow_window(page: HubPage, qtbot: QtBot) -> None:
    """Given a chosen license, When the window becomes narrow and wide again, Then the choice stays."""
    choice(page, "License").setCurrentIndex(1)
    for width in (816, 1072):
        page.resize(width, 700)
        qtbot.wait(1)
        assert choice(page, "License").currentIndex() == 1
        assert page.bar.value.business


def test_rows_show_all_that_matters(page: HubPage) -> None:
    """Given a list, Then each row shows name, author, age, downloads, license, size, and whether its format is safe."""
    model = page.list.table.model()
    texts = [[str(model.index(row, column).data()) for column in range(5)] for row in range(8)]
    assert texts[0][0].startswith("resnet-50, microsoft, today")
    assert "2.4 M downloads" in texts[0][1] and "Names what it sees" in texts[0][1]
    assert texts[0][2:] == ["Apache-2.0, OK", "102 MB", "Safe format"]
    assert texts[5][0] == "mobilevit-small, apple, on request"
    assert "Not for commercial use" in texts[5][2]
    assert texts[6][4] == "Does not run here"
    assert texts[7][2:] == ["None stated, Unknown, ask", "–", "May contain code"]


def test_arrow_keys_choose(page: HubPage, qtbot: QtBot) -> None:
    """Given the list with the focus, When the arrow key is pressed, Then the next model is chosen."""
    chosen = recorded(page.list.chosen)
    page.list.table.setFocus()
    qtbot.keyClick(page.list.table, Qt.Key.Key_Down)
    assert chosen == ["google/mobilenet_v2_1.0_224"]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("download", "Download and use (102 MB)"),
        ("look_up", "Look it up in the hub"),
        ("open", "Use it"),
        ("consent", "Download anyway…"),
        ("again", "Try again"),
    ],
)
def test_the_one_button(page: HubPage, examples: ModuleType, action: str, words: str) -> None:
    """Given what can be done, Then the button shows it and requests it, naming the model."""
    requests = recorded(page.detail.action_requested)
    page.detail.show_value(examples.hub_detail(action=action))
    press(page, words)
    assert requests == [(action, "microsoft/resnet-50")]


def test_files_open_on_demand(page: HubPage) -> None:
    """Given the details, Then the files to be downloaded unfold with their sizes."""
    assert "model.safetensors" not in text_of(page)
    press(page, "3 files")
    assert "model.safetensors" in text_of(page) and "266 bytes" in text_of(page)


def test_the_card_is_shown_without_its_tricks(page: HubPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a card with pictures, scripts and links to files, Then it is text; a web address asks, a file does not."""
    wanted, links = recorded(page.detail.card_requested), recorded(page.link_clicked)
    press(page, "Read its model card")
    assert wanted == ["microsoft/resnet-50"]
    page.show_card("resnet-50", examples.CARD)
    (view,) = page.findChildren(QTextBrowser)
    assert "<img src" in view.toPlainText() and "<script>" in view.toPlainText()
    from PySide6.QtCore import QUrl

    view.anchorClicked.emit(QUrl("file:///etc/passwd"))
    view.anchorClicked.emit(QUrl("https://arxiv.org/abs/1512.03385"))
    assert links == ["https://arxiv.org/abs/1512.03385"]
    press(page, "Back to the list")
    assert page.list.isVisible()
    qtbot.waitUntil(page.list.table.hasFocus)  # once the window is the active one


def test_gated_in_three_steps(page: HubPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a model that its author gives on request, Then three steps are reported and the token is taken unseen."""
    tokens, pages = recorded(page.detail.token_given), recorded(page.detail.page_requested)
    page.detail.show_value(examples.hub_gated())
    assert all(f"{number}." in text_of(page).split("\n") for number in (1, 2, 3))
    press(page, "Open its page…")
    assert pages == ["https://hub.example/meta/llama"]
    (field,) = [f for f in page.findChildren(QLineEdit) if f.accessibleName() == "Access token"]
    assert field.echoMode() == QLineEdit.EchoMode.Password
    qtbot.keyClicks(field, "hf_secret")
    press(page, "Keep the token")
    assert tokens == [("meta/llama", "hf_secret")] and field.text() == ""


def test_downloads_are_shown_and_steered(page: HubPage, examples: ModuleType) -> None:
    """Given several downloads, Then each shows speed and time left, and each button names its download."""
    report: list[tuple[str, str]] = []
    for name in ("pause", "resume", "cancel", "open"):
        signal = getattr(page.downloads, f"{name}_requested")
        signal.connect(lambda which, name=name: report.append((name, which)))
    page.downloads.show_values(examples.hub_downloads())
    assert "34.0 MB of 102 MB, 2.1 MB a second, about 35 seconds left" in text_of(page)
    assert "The hub did not answer." in text_of(page)
    press(page, "Pause: resnet-50")
    press(page, "Go on: vit-base-patch16-224")
    press(page, "Use it: mobilevit-small")
    press(page, "Remove from the list: old")
    assert report == [
        ("pause", "microsoft/resnet-50"), ("resume", "google/vit-base-patch16-224"), ("open", "apple/mobilevit-small"),
        ("cancel", "someone/old"),
    ]  # fmt: skip


def test_a_download_s_line_is_kept_while_it_runs(page: HubPage, examples: ModuleType) -> None:
    """Given a line, When its figures change, Then it is the same widget: a button under the pointer stays there."""
    first = DownloadValue("a/m", "running", 1, 100, 10.0, 9.9)
    page.downloads.show_values((first,))
    rows = page.downloads.findChildren(QLabel)
    page.downloads.show_values((replace(first, done_bytes=50),))
    assert page.downloads.findChildren(QLabel) == rows
    page.downloads.show_values(())
    assert page.downloads.isHidden()


def test_nothing_found_offers_a_wider_search(page: HubPage, requests: list[HubQueryValue]) -> None:
    """Given choices that leave nothing, When the limits are dropped, Then the words alone are requested."""
    page.start(HubQueryValue(text="birds", business=True, runs_here=True))
    page.show_nothing("Nothing fits", "The hub found 60 for “birds”.")
    press(page, "Search without limits")
    assert requests == [HubQueryValue(text="birds")]


def test_searching_anew_after_an_error_can_be_stopped(page: HubPage, examples: ModuleType) -> None:
    """Given an error, When another search begins, Then the page shows that and the search can be cancelled."""
    stops = recorded(page.cancel_requested)
    page.show_problem(examples.hub_offline())
    page.show_searching()
    press(page, "Cancel")
    assert len(stops) == 1
    page.show_list(HubListValue(()))
    assert page.list.isVisible()


def test_kept_models_in_the_settings(theme: Theme, examples: ModuleType, shown: Any) -> None:
    """Given downloads, Then Settings tell sizes and users, and let all but the one at work be removed."""
    made = SettingsPage(theme)
    removed, forgotten = recorded(made.hub_removal_requested), recorded(made.hub_forget_requested)
    made.show_section(examples.hub_kept())
    made.show_value(examples.settings())
    shown(made)
    assert "4 downloads, 358 MB together. 48.0 GB are free on this disk." in text_of(made)
    assert "in use: Clothes classifier, Second try" in text_of(made) and "in no project" in text_of(made)
    press(made, "Remove microsoft/resnet-50")
    press(made, "Remove google/vit-base-patch16-224")
    assert not press(made, "Remove facebook/convnext-tiny-224").isEnabled()
    press(made, "Forget the token")
    assert removed == ["a", "p"] and len(forgotten) == 1


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "today"), (1, "yesterday"), (12, "12 days ago"), (31, "a month ago"), (100, "3 months ago"), (800, "2 years ago"),
    ],
)  # fmt: skip
def test_ages_in_one_unit(days: int, words: str) -> None:
    """Given a day, then its age is reported in one unit."""
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert ago(now - timedelta(days=days), now) == words


@pytest.mark.parametrize("width", [816, 1072])
def test_all_suggestions_of_the_hub_are_there_in_every_window(theme: Theme, shown: Any, width: int) -> None:
    """Given the page Model in the smallest and the usual window, Then all three suggestions stand within their card."""
    page = ModelPage(theme)
    page.show_empty(None)
    shown(page, width, 614)
    (card,) = page.findChildren(HubCard)
    chips = [one for one in card.findChildren(QAbstractButton) if one.property("scale") == "small" and one.isVisible()]
    assert [chip.text() for chip in chips] == ["Recognize pictures", "Sort texts", "Find things in pictures"]
    assert all(card.rect().contains(chip.geometry().translated(chip.parentWidget().pos())) for chip in chips)


def test_the_main_button_is_not_cut_in_a_language_of_long_words(page: HubPage, examples: ModuleType) -> None:
    """Given German, Then the button of the details says less rather than be wider than its card."""
    set_language("de")
    try:
        page.detail.show_value(replace(examples.hub_detail(), total_bytes=338_000_000))
    finally:
        set_language("en")
    button = page.detail.findChildren(QAbstractButton, "hub-action")[-1]
    assert button.text() == "Herunterladen (338 MB)"
    assert button.sizeHint().width() <= page.detail.width() - 2 * page.detail.box.contentsMargins().left()
