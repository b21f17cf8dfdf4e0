"""Test of the list of runtimes on the page Settings."""

from read_page import words
from records import described, shown_page

from app.controllers.app_controller import AppController
from widgets.main_window import MainWindow
from workers.contracts.specs import Described


def test_settings_list_runtimes_once_described(app_controller: AppController, window: MainWindow) -> None:
    """Given the page Settings before the computer is described, when it is described, then the runtimes are listed."""
    page = shown_page(window, "settings")
    assert "A runtime of this computer" not in words(page)
    row = Described(id="x", title="A runtime of this computer", available=True, group="cpu")
    app_controller.session.set_described(described(runtimes=(row,)))
    assert "A runtime of this computer" in words(page)
