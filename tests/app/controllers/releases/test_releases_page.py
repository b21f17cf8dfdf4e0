"""Tests of the page Releases: a release by one click, rollback, and the log of decisions."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtWidgets import QTableView
from read_page import answer, button, question, words
from records import Drive, add_run, judgement, make_project, run, shown_page, variant

from app.controllers.app_controller import AppController
from app.controllers.export import controller as export_module
from app.domain.job import ExportRecord
from app.services.after.exporting import Exported
from app.services.flow.steps import DiskStep, Flow
from app.services.flow.workspace import Workspace
from app.services.records.decisions import DECISION, read_decisions
from app.services.release.record import read_current, read_releases
from app.signing_key import fingerprint, make_own_key, own_key
from widgets.main_window import MainWindow
from widgets.pages.export.page import ExportPage
from widgets.pages.export.value import ExportValue
from widgets.pages.releases.page import ReleasesPage
from workers.contracts.bundles import ExportResult
from workers.contracts.folder import sha256_file
from workers.contracts.specs import DescribedTarget


@pytest.fixture
def page(app_controller: AppController, window: MainWindow, space: Workspace) -> ReleasesPage:
    """Return the page for an open project with a finished run of two versions and no release."""
    app_controller.session.reopen(make_project(space))
    first = variant(1, speedup=2.0, judgement=judgement(accuracy=0.91))
    made = add_run(space, run(1, data_key="data"), variant(0), first, variant(2, speedup=3.0))
    app_controller.session.set_run(made)
    return shown_page(window, "releases")


def exported(space: Workspace, folder: Path, number: int) -> ExportRecord:
    path = folder / f"b{number}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.txt", str(number))
    record = ExportRecord(
        f"e{number}", "r1", f"r1-v{number % 2 + 1}", "python", str(path), sha256_file(path), path.stat().st_size,
        datetime.now(UTC), json.dumps({"signed_by": "ab" * 32 if number == 1 else ""}),
    )  # fmt: skip
    space.repositories.exports.add(record)
    return record


class Releasing:
    """Exports and releases as a user does, with almost empty bundles."""

    def __init__(
        self, controller: AppController, window: MainWindow, space: Workspace, drive: Drive, folder: Path
    ) -> None:
        self._controller, self._window, self._space = controller, window, space
        self._drive, self._folder, self._number = drive, folder, 0

    def __call__(self, times: int = 1) -> None:
        for _ in range(times):
            self._number += 1
            page = self._window.page("export")
            assert isinstance(page, ExportPage)
            page.again_requested.emit()
            page.export_requested.emit(ExportValue((), "python", str(self._folder / "out.zip"), ""))
            self.settle()
            button(page, "Make it a release").click()
            self.settle()

    def settle(self) -> None:
        self._drive(lambda: not self._controller.flows.active)

    def export(self, *_: object) -> Flow[Exported]:
        yield DiskStep(lambda _stopped: None)
        record = exported(self._space, self._folder, self._number)
        facts = {"sha256": record.sha256, "size_bytes": record.size_bytes, "files": 1, "selftest": ()}
        result = ExportResult(**facts, card_text="# A card", commands=("r",))
        target = DescribedTarget(id="python", title="Python folder", available=True)
        return Exported(Path(record.path), result, record, target)


@pytest.fixture
def release(
    page: ReleasesPage, app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> Releasing:  # fmt: skip
    made = Releasing(app_controller, window, space, drive, tmp_path)
    monkeypatch.setattr(export_module, "export", made.export)
    return made


def test_released_export_leads_to_its_release(release: Releasing, window: MainWindow, space: Workspace) -> None:
    """Given a bundle that was released, when the page Export is shown again, then its button leads to that release; the
    next bundle can be released."""
    release()
    export_page = window.page("export")
    assert isinstance(export_page, ExportPage)
    window.show_page("export")
    button(export_page, "See release 1").click()
    release.settle()
    assert window.current_page == "releases" and len(read_releases(space.repositories, "p1")) == 1
    release()
    assert len(read_releases(space.repositories, "p1")) == 2


def test_from_nothing_to_two_releases_and_back(page: ReleasesPage, release: Releasing, space: Workspace) -> None:
    """Given two released exports, then the page shows the current one, its predecessor, both figures and the decisions.
    One click rolls back to the first."""
    assert page.state == "empty" and "Nothing is released yet" in words(page)
    release()
    assert "Release 1 is current" in words(page) and "The first release of this project." in words(page)
    release()
    shown = words(page)
    assert "Release 2 is current" in shown and "could not be compared with release 1" in shown
    assert "Median time" in shown and "91.0 %" in shown
    assert "A diary of 2 entries, each as it was written." in shown
    button(page, "Go back to release 1").click()
    release.settle()
    current = read_current(space.repositories, "p1")
    assert current is not None and (current.number, current.previous) == (1, 2)
    assert "Release 1 is current" in words(page) and button(page, "Go on to release 2").isVisible()
    rows = page.findChildren(QTableView)[0].model()
    assert [rows.index(at, 0).data() for at in range(2)] == ["2, after it", "1, current"]


def test_damaged_bundle_is_reported_and_the_current_release_stays(
    page: ReleasesPage, release: Releasing, space: Workspace
) -> None:
    """Given a damaged bundle of the first release, when it is rolled back to, then the page reports that, and a button
    leads back to the current second one."""
    release(2)
    first = read_releases(space.repositories, "p1")[-1]
    (space.paths.releases / first.file_name).write_bytes(b"x")
    button(page, "Go back to release 1").click()
    release.settle()
    assert page.state == "error" and "The bundle of release 1 is not as it was" in words(page)
    button(page, "Back to the releases").click()
    assert "Release 2 is current" in words(page)


def test_changed_log_is_reported(page: ReleasesPage, release: Releasing, space: Workspace, window: MainWindow) -> None:
    """Given an entry that was changed in the database, then the page names it."""
    release(2)
    first = read_decisions(space.repositories, "p1").entries[0]
    space.repositories.records.put(DECISION, "p1", first.model_copy(update={"who": "nobody"}), "00000001")
    window.show_page("jobs")
    window.show_page("releases")
    assert "entry 1 is not as it was" in words(page)


@pytest.mark.whole
def test_old_bundles_are_removed_after_a_question(page: ReleasesPage, release: Releasing, space: Workspace) -> None:
    """Given nine releases, when the old bundles are removed, then a question shows their number, and five stay."""
    release(9)
    button(page, "Remove old bundles").click()
    assert "4 bundles go" in words(question(page))
    answer(page, "remove")
    found = read_releases(space.repositories, "p1")
    assert [one.number for one in found if one.pruned_at is None] == [9, 8, 7, 6, 5]
    assert len(list(space.paths.releases.glob("*.zip"))) == 5


def test_signing_key_is_created_on_request(space: Workspace) -> None:
    """Given no key, then reading creates none. When it is requested, it is created, and only its owner can read it."""
    path = own_key(space.paths)
    assert not path.exists() and fingerprint(path) == ""
    assert make_own_key(space.paths) == path and path.stat().st_mode & 0o777 == 0o600
    kept, print_before = path.read_bytes(), fingerprint(path)
    path.chmod(0o644)
    make_own_key(space.paths)
    assert (path.read_bytes(), path.stat().st_mode & 0o777, fingerprint(path)) == (kept, 0o600, print_before)
    assert len(print_before) == 64
