"""Adding a page is two new folders of one name: it stands in the rail and in the guide, opens, and is at work."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from run_text import run_text
from stranger import copy_with

PAGE = '''"""The page Notes."""

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="notes", title="Notes", icon="list", place="step", order=55, widget=f"{__name__}.page:NotesPage",
    summary="Write down what you saw.",
)
'''
WIDGET = '''"""The page's widget."""

from PySide6.QtCore import Signal
from widgets.parts.buttons import GhostButton
from widgets.parts.page import Page
from widgets.parts.small import PageHead


class NotesPage(Page):
    begin_requested = Signal()

    def __init__(self, theme):
        super().__init__(theme, "Notes")

    def show_value(self, value):
        begin = GhostButton(self.theme, "Begin anew", "x")
        begin.clicked.connect(self.begin_requested)
        self._fill("full", PageHead("Notes", value), begin)
'''
CONTROLLER = '''"""What the page Notes shows."""

from app.controllers.page_controller import ControllerSpec, PageController
from widgets.commands import NEW_PROJECT


class NotesController(PageController):
    def __init__(self, desk, page):
        super().__init__(desk, page)
        page.begin_requested.connect(desk.commands.to(NEW_PROJECT))
        page.show_value(f"Kept in {desk.session.workspace.paths.root.name}")


CONTROLLER = ControllerSpec("notes", NotesController, is_done=lambda session, _is_running: session.project is None)
'''
FILES = {
    "widgets/pages/notes/__init__.py": PAGE,
    "widgets/pages/notes/page.py": WIDGET,
    "app/controllers/notes/__init__.py": "",
    "app/controllers/notes/controller.py": CONTROLLER,
}
LOOK = """
import json, sys
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

app = QApplication(["fettle", "-platform", "offscreen"])
from app.bootstrap import build_window
from app.settings import Settings

window, theme = build_window(app, Settings(theme="light"))
before = [name for name in sys.modules if name.startswith("widgets.pages.notes.")]

from app.controllers.app_controller import AppController
from app.settings import SavedSettings
from app.controllers.session import Session
from app.jobs.pool import WorkerPool
from app.paths import find_data_folder
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.workspace import Workspace

paths = find_data_folder(Path(sys.argv[1]))
pool = WorkerPool(paths.jobs, logs_dir=paths.logs, store=paths.store, threads=1)
with open_store(paths) as store:
    space = Workspace(paths, paths.jobs, ArtifactStore(paths.store), pool, store)
    made = AppController(window, theme, Session(space, window), SavedSettings(paths.settings, Settings()))
    window.show()
    made._shell.show()

    def words(page):
        return [label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page)]

    entry = window.rail.entries["notes"]
    QTest.mouseClick(entry, Qt.MouseButton.LeftButton)
    seen = {
        "before": before, "rail": list(window.rail.entries), "tip": entry.toolTip(), "mark": entry.mark,
        "shown": window.current_page, "words": words(window.page("notes")),
    }
    QTest.mouseClick(window.page("notes").findChild(QPushButton), Qt.MouseButton.LeftButton)
    seen["after"] = window.current_page
    window.show_page("guide")
    seen["guide"] = words(window.page("guide"))
    made.flows.interrupt_all()
    made.stop_watching()
    pool.close()
print(json.dumps(seen), flush=True)
import os; os._exit(0)
"""


def look(root: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    return run_text([sys.executable, "-B", "-c", LOOK, str(home)], cwd=root, timeout=120)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a person sees in a copy with two folders more."""
    folder = tmp_path_factory.mktemp("copy")
    done = look(copy_with(folder / "fettle", FILES), folder / "home")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_it_has_its_entry_in_the_rail(seen: dict[str, Any]) -> None:
    """Given the new folders, then the step is at its declared place, with its number and its mark, before its code is loaded."""
    assert seen["rail"][4:7] == ["compare", "notes", "try"]
    assert (seen["tip"], seen["mark"], seen["before"]) == ("Notes (Ctrl+6)", "done", [])


def test_it_opens_and_leads_on(seen: dict[str, Any]) -> None:
    """Given its entry, when it is clicked, then its controller fills it; its button requests a command that another does."""
    assert seen["shown"] == "notes" and seen["words"][:2] == ["Notes", "Kept in home"]
    assert seen["after"] == "model"


def test_guide_lists_the_new_page(seen: dict[str, Any]) -> None:
    """Given the new step, then the guide counts it in, in its own words."""
    assert {"6. Notes", "Write down what you saw.", "7. Try it", "8. Export"} <= set(seen["guide"])


def test_page_without_a_controller_is_named(tmp_path: Path) -> None:
    """Given the folder of widgets alone, then the start names the page without a controller."""
    files = {name: source for name, source in FILES.items() if name.startswith("widgets")}
    done = look(copy_with(tmp_path / "fettle", files), tmp_path / "home")
    assert done.returncode != 0 and "unlike notes" in done.stderr
