"""What a person does with other computers, by a real mouse: choose where it runs, and see what to take where."""

import dataclasses
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from finished_run import finished_folder
from own_sshd import Sshd
from rig import Start
from small_model import QUICK

from app.computers.records import Computer, ComputerFacts, new_place, save
from app.computers.records import complete as complete_record
from app.domain.run import RunState
from app.paths import DataPaths
from app.persistence import open_store


def with_other_computer(home: Path) -> None:
    """Add a computer "pi", and a second result of the finished run that was measured there."""
    finished_folder(home)
    paths = DataPaths(home / "data")
    facts = ComputerFacts(
        os="Debian", system="Linux", arch="aarch64", processor="Cortex-A76", cores=4, memory_bytes=8 << 30,
        free_disk_bytes=1 << 34, machine="another",
    )  # fmt: skip
    save(new_place(paths.computers, "pi"), Computer(name="pi", host="pi.local", user="anna", facts=facts))
    complete_record(paths.computers, "pi")
    with open_store(paths) as store:
        runs, variants = store.repositories.runs, store.repositories.variants
        run = runs.get("r1")
        goal = dataclasses.replace(run.goal, computer="pi")
        there = dataclasses.replace(run, id="r2", goal=goal, created_at=run.created_at + timedelta(hours=1))
        runs.add(dataclasses.replace(there, baseline_variant_id="pi0", recommended_variant_id="pi1"))
        for variant in variants.list(run_id="r1"):
            judged = variant.judgement
            if variant.id == "v1" and judged is not None:
                judged = judged.model_copy(update={"verdict": "safe"})
            slower = dataclasses.replace(
                variant.measurement, latency_p50_ms=9 * (variant.measurement.latency_p50_ms or 0)
            )
            proven = dataclasses.replace(variant, judgement=judged)
            variants.update(proven)
            variants.add(dataclasses.replace(proven, id=f"pi{variant.index}", run_id="r2", measurement=slower))


@pytest.mark.timeout(300)
def test_computer_is_chosen_on_goal_and_results_are_side_by_side_on_compare(start: Start, tmp_path: Path) -> None:
    """Given another computer with a result of the same goal, When it is clicked on Goal, Then it is chosen and stored, and
    this computer can be left out; on Compare both are in one table, and a click shows the result of the other one."""
    with_other_computer(tmp_path / "home")
    program = start(project="p1")
    program.open_compare()
    view = program.until_text("On each computer", "One for all:", "is safe on each of these computers", "pi: take")
    assert view.button("Show the result on this computer")  # the newest result was opened
    program.press("Show the result on this computer")
    program.until_text("Show the result on pi")

    program.keys("ctrl+3")
    program.until_page("goal", "full")
    program.click(lambda view: view.find("pi", "QCheckBox"), "the other computer")
    program.until(lambda view: (box := view.find("pi", "QCheckBox")) and box.checked, 10, "chosen")
    program.click(lambda view: view.find("This computer", "QCheckBox"), "this computer")
    program.check_clean()
    program.close_window()
    assert program.process.wait(60) == 0
    with open_store(DataPaths(tmp_path / "home" / "data")) as store:
        assert store.repositories.projects.get("p1").computers == ("pi",)
    shutil.rmtree(tmp_path / "home")


def with_sshd(home: Path, sshd: Sshd) -> tuple[DataPaths, Computer]:
    """Add the computer behind a real SSH server, and a short goal."""
    finished_folder(home)
    paths = DataPaths(home / "data")
    added = sshd.add_with_packages(paths.computers)
    paths.presets.mkdir(exist_ok=True)
    (paths.presets / "quick.yaml").write_text(QUICK)
    return paths, added


def keep_original(paths: DataPaths, preset_id: str) -> None:
    """Let the finished run have found nothing."""
    with open_store(paths) as store:
        runs = store.repositories.runs
        goal = dataclasses.replace(runs.get("r1").goal, preset_id=preset_id)
        kept = dataclasses.replace(runs.get("r1"), state=RunState.KEPT_ORIGINAL, recommended_variant_id=None, goal=goal)
        runs.update(kept)


@pytest.mark.timeout(300)
def test_run_elsewhere_leads_to_the_first_computer(start: Start, tmp_path: Path) -> None:
    """Given a run that found nothing and no other computer, When "Add a computer…" is pressed on
    the card "Run it elsewhere", Then Settings opens with the dialog for its address."""
    keep_original(DataPaths(finished_folder(tmp_path / "home") / "data"), "balanced")
    program = start(project="p1")
    program.open_compare()
    program.click(lambda view: view.find("Add a computer…"), "the button of the card")
    program.until(lambda view: view.modal == "Add a computer" and view.page == "settings", 15, "the dialog")
    program.press("Cancel")
    program.until(lambda view: not view.modal, 10, "the end of the dialog")
    program.check_clean()


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup")
@pytest.mark.timeout(600)
def test_run_measures_elsewhere_until_its_computer_is_removed(start: Start, tmp_path: Path, own_sshd: Sshd) -> None:
    """Given a run that found nothing and a computer behind a real SSH server, When "Measure on" it is pressed, Then its
    name is in the stage and on the page Jobs; When it is removed, Then the question names the job, which is cancelled, and
    nothing is left there."""
    paths, added = with_sshd(tmp_path / "home", own_sshd)
    keep_original(paths, "balanced")  # longer than what is pressed here
    program = start(project="p1")
    program.open_compare()
    program.press(f"Measure on {added.name}")
    program.until_text(f"Times are measured on {added.name}.", f"measuring its speed on {added.name}", limit_s=120)
    program.press("Jobs")
    program.until_text(f"| {added.name} |", "Cancel job")
    program.press("Settings")
    program.press(f"Remove {added.name}…")
    program.until_text("“Optimize Clothes classifier” is not finished there.")
    program.press("End its jobs and remove it")
    program.until_text("Nothing of Fettle is left there.")
    assert not own_sshd.workers.exists()
    program.press("Jobs")
    program.until_text("Cancelled")
    program.check_clean()


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup")
@pytest.mark.timeout(900)
def test_both_computers_measure_after_one_click_on_start(start: Start, tmp_path: Path, far_sshd: Sshd) -> None:
    """Given a computer with an SSH server, one core and a network of its own, When both are chosen and Start is pressed,
    Then one run after the other measures here and there, Compare has a table of both, and the result there is exported
    by a click."""
    paths, added = with_sshd(tmp_path / "home", far_sshd)
    with open_store(paths) as store:
        project = store.repositories.projects.get("p1")
        chosen = dataclasses.replace(project, preset_id="quick", computers=("", added.name))
        store.repositories.projects.update(chosen)
    program = start(project="p1")
    program.until_ready()
    program.keys("ctrl+3")
    program.until_page("goal", "full")
    program.press("Start")
    program.until_text(f"Times are measured on {added.name}.", limit_s=300)
    program.until(lambda view: view.page == "optimize" and view.button("See"), 300, "the end")
    program.press("See")
    program.until_text("On each computer", added.name)
    program.export_from_compare()
    program.until_page("export", "done", 300)
    (bundle,) = (tmp_path / "home" / "Documents" / "Fettle").glob("*.zip")
    with zipfile.ZipFile(bundle) as archive:
        assert "manifest.json" in archive.namelist()
    program.check_clean()
