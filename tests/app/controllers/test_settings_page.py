"""The page Settings lists what can run models, as soon as that is known."""

from desk import described, shown_page
from read_page import words

from app.controllers.app_controller import AppController
from widgets.main_window import MainWindow
from workers.contracts.specs import Described


def test_settings_list_what_can_run_models_as_soon_as_it_is_known(
    app_controller: AppController, window: MainWindow
) -> None:
    """Given the page Settings open while this computer is still looked at, When it is known, Then it stands there."""
    page = shown_page(window, "settings")
    assert "A runtime of this computer" not in words(page)
    row = Described(id="x", title="A runtime of this computer", available=True, group="cpu")
    app_controller.session.set_described(described(runtimes=(row,)))
    assert "A runtime of this computer" in words(page)
