"""Adding an export target is one new file: described, offered by the page, written, tested, verified, nothing else changed."""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fettle_command import Demo, Fettle
from run_text import run_text
from stranger import copy_with

TARGET = '''"""The target *Leaflet*: a Python bundle with a sheet of paper for the shop."""

from pathlib import Path

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Question, Stage
from workers.contracts.techniques import TargetSpec
from workers.export.python_folder import Contents, write_bundle
from workers.export.selftest import TEST_STAGES
from workers.export.stages import WRITE
from workers.export.verify import golden_answers

FOLD = Stage(id="fold", title="Fold the sheet")
COMMANDS = ("cat leaflet.txt", "python run.py {input}")


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    sheet = {"leaflet.txt": f"For {params.answers['shop']}\\n"}
    place = ctx.work_dir / "unpacked" / "leaflet.txt"

    def read() -> tuple[ExportCheck, ...]:
        return (ExportCheck(what="The sheet can be read", ok="For" in place.read_text()),)

    done = write_bundle(params, ctx, Contents(COMMANDS, sheet), (FOLD, read))
    return done.model_copy(update={"printed": (place.read_text().strip(), *done.printed)})


def check(folder: Path, ctx: JobContext) -> tuple[int, list[str]]:
    alike, problems = golden_answers(folder, ctx)
    sheet = (folder / "leaflet.txt").read_text()
    return alike + 1, problems if sheet.startswith("For ") else [*problems, "The sheet is for nobody."]


TARGET = TargetSpec(
    id="leaflet", title="Leaflet", summary="With a sheet of paper", write=write, stages=(WRITE, *TEST_STAGES, FOLD),
    commands=COMMANDS, how_to_run="Read the sheet", suffix=".kit", icon="list", check=check,
    questions=(Question(id="shop", title="Which shop is it for?", hint="its name", needed=True),),
)
'''
PAGE = """
import json, sys, time
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QPushButton

app = QApplication(["fettle", "-platform", "offscreen"])
from app.bootstrap import build_window
from app.controllers.app_controller import AppController
from app.settings import SavedSettings
from app.controllers.session import Session
from app.jobs.pool import WorkerPool
from app.paths import find_data_folder
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.workspace import Workspace
from app.settings import Settings
from widgets.parts.card import ChoiceCard
from widgets.parts.for_developers import ForDevelopers

LEFT = Qt.MouseButton.LeftButton
out = sys.argv[2]
paths = find_data_folder(Path(sys.argv[1]))


def drive(holds, limit_s=120):
    end_s = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end_s, "it did not come in time"
        app.processEvents()
        time.sleep(0.005)


def words(page):
    return [label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page)]


def button(page, text):
    return next(one for one in page.findChildren(QPushButton) if one.text() == text and one.isVisibleTo(page))


def main():
    window, theme = build_window(app, Settings(theme="light"))
    pool = WorkerPool(paths.jobs, logs_dir=paths.logs, store=paths.store, threads=2)
    with open_store(paths) as store:
        space = Workspace(paths, paths.jobs, ArtifactStore(paths.store), pool, store)
        session = Session(space, window)
        made = AppController(window, theme, session, SavedSettings(paths.settings, Settings()))
        window.show()
        assert session.reopen(space.repositories.projects.list()[0])
        made.begin(reopen=False)
        window.show_page("export")
        page = window.page("export")
        drive(lambda: page.findChildren(ChoiceCard) and page._value.card)
        before = [record.target for record in space.repositories.exports.list()]
        found = {"before": before, "offered": [card.choice_id for card in page.findChildren(ChoiceCard)], "python": words(page)}
        QTest.mouseClick(next(c for c in page.findChildren(ChoiceCard) if c.choice_id == "leaflet"), LEFT)
        drive(lambda: page._value.target == "leaflet" and "cat leaflet.txt" in page._value.card)
        found["path"], found["chosen"] = page._value.path, words(page)
        QFileDialog.getSaveFileName = lambda *given: (out, found.setdefault("kind", given[-1]))
        QTest.mouseClick(button(page, "Change…"), LEFT)
        drive(lambda: page._value.path == out)
        found["closed"] = button(page, "Export bundle").isEnabled()
        field = next(one for one in page.findChildren(QLineEdit) if one.accessibleName() == "Which shop is it for?")
        QTest.keyClicks(field, "Mira")
        found["open"] = button(page, "Export bundle").isEnabled()
        seen, show_running = found.setdefault("seen", []), page.show_running

        def note(text, done, total, checks, left=""):
            seen.extend(check.what for check in checks if check.state == "running" and check.what not in seen)
            show_running(text, done, total, checks, left)

        page.show_running = note
        QTest.mouseClick(button(page, "Export bundle"), LEFT)
        drive(lambda: page.state in ("done", "error"))
        for fold in page.findChildren(ForDevelopers):
            fold.fold.click()
        found["state"], found["done"] = page.state, words(page)
        found["records"] = [record.target for record in space.repositories.exports.list()]
        made.flows.interrupt_all()
        made.stop_watching()
        pool.close()
    print(json.dumps(found), flush=True)
    import os; os._exit(0)


if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def stranger(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    """The program with one file more, on the demo's data."""
    root = copy_with(tmp_path_factory.mktemp("copy") / "fettle", {"workers/export/leaflet.py": TARGET})
    return Fettle(demo.fettle.home, root=root)


@pytest.fixture(scope="module")
def kit(stranger: Fettle, demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A leaflet that the command line wrote."""
    out = tmp_path_factory.mktemp("out") / "shop.kit"
    arguments = ("--target", "leaflet", "--answer", "shop=Mira & sons", "--out", out, "--json")
    done = stranger("export", demo.run_id, *arguments)
    assert done.code == 0, done.err
    assert [check["ok"] for check in done.document["selftest"]] == [True] * 4
    return out


def test_it_is_described_behind_the_first(stranger: Fettle) -> None:
    """Given the new file, then `describe` lists it behind the one that is offered first, as in the contract."""
    rows = stranger("describe", "--json").document["targets"]
    assert [rows[0]["id"], rows[-1]["id"]] == ["python", "leaflet"]
    assert rows[-1] == {"id": "leaflet", "title": "Leaflet", "available": True, "hint": ""}


def test_the_command_line_writes_and_verifies_it(stranger: Fettle, kit: Path) -> None:
    """Given its question is answered, then it holds the answer, its card its commands, and `verify` runs its own check."""
    with zipfile.ZipFile(kit) as archive:
        assert archive.read("leaflet.txt").decode() == "For Mira & sons\n"
        assert "cat leaflet.txt\npython run.py photo.jpg\npython verify.py" in archive.read("README.md").decode()
        assert json.loads(archive.read("manifest.json"))["target"] == "leaflet"
    checked = stranger("verify", kit, "--json")
    assert checked.code == 0, checked.out
    assert "21 answers are alike" in checked.document["findings"][-1]["what"]


def test_program_without_the_target_refuses_its_bundle(demo: Demo, kit: Path) -> None:
    """Given the program without the file, then `verify` does not claim that the leaflet is whole."""
    checked = demo.fettle("verify", kit, "--json")
    assert checked.code == 3
    assert "'leaflet', which this Fettle cannot check" in checked.document["findings"][0]["what"]


@pytest.mark.parametrize(
    ("answers", "named"), [(("shop=  ",), "Which shop is it for?"), (("shop=Mira", "town=Ulm"), "town")]
)
def test_its_question_needs_an_answer(
    stranger: Fettle, demo: Demo, tmp_path: Path, answers: tuple[str, ...], named: str
) -> None:
    """Given a blank answer, or one to no question, then nothing is written, and the question is named."""
    out = tmp_path / "b.kit"
    options = [part for answer in answers for part in ("--answer", answer)]
    done = stranger("export", demo.run_id, "--target", "leaflet", *options, "--out", out, "--json")
    assert (done.code, named in done.error["detail"], out.exists()) == (3, True, False)


def test_the_page_offers_and_writes_it(stranger: Fettle, tmp_path: Path) -> None:
    """Given the page Export, when the new target's card is clicked, then its question, stages, name and commands are its own;
    this target is exported, and it verifies."""
    out = tmp_path / "by mouse.kit"
    done = run_text(
        [sys.executable, "-B", "-c", PAGE, str(stranger.home), str(out)],
        cwd=stranger.root,
        env=stranger.env,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert [report["offered"][0], report["offered"][-1]] == ["python", "leaflet"]
    assert "Leaflet" in report["python"] and "Which shop is it for?" not in report["python"]
    assert report["path"].endswith("-1.kit") and report["kind"] == "Bundles (*.kit)"
    assert "Which shop is it for?" in report["chosen"] and "Fold the sheet" in report["chosen"]
    assert (report["closed"], report["open"]) == (False, True)
    assert report["state"] == "done", report["done"]
    assert report["seen"] == [
        "Write the bundle", "Unpack it in a clean place", "Compare its answers", "Run it as a person would", "Fold the sheet",
    ]  # fmt: skip
    assert {"Read the sheet", "cat leaflet.txt", "python run.py photo.jpg", "For Mira", "The sheet can be read"} <= set(
        report["done"]
    )
    assert report["records"].count("leaflet") == report["before"].count("leaflet") + 1
    assert stranger("verify", out).code == 0
