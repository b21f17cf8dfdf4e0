"""A result is saved, carried to another Fettle, shown there as a claim and removed, by a real mouse."""

import json
from pathlib import Path

import pytest
from finished_run import finished_folder
from rig import Start
from spaces import opened_space

from app.services.after.saved_results import save_result
from app.services.records.facts import read_facts
from app.services.records.run_records import MACHINE
from workers.contracts.specs import DeviceFacts

HERE = DeviceFacts(processor="AMD EPYC 7B13", cores=2, memory_bytes=8 << 30, features=("avx2",))


@pytest.mark.timeout(300)
def test_result_of_another_fettle_is_dropped_accepted_and_removed_by_mouse(start: Start, tmp_path: Path) -> None:
    """Given a result that another Fettle saved, When its file is dropped, its key accepted and the result removed, Then
    each is shown; the own result is saved by the dialog, and a changed file is refused."""
    for home, device in (("home", HERE), ("other", HERE.model_copy(update={"processor": "Cortex-A76", "cores": 4}))):
        with opened_space(finished_folder(tmp_path / home) / "data") as space:
            space.repositories.records.put(MACHINE, "r1", device)
            if home == "other":
                save_result(space, read_facts(space, "r1"), tmp_path / "theirs.json")
    program = start(project="p1")
    program.open_compare()
    program.drop(tmp_path / "theirs.json")
    program.until_text("On Cortex-A76, 4 cores", "Another kind of computer", "which is not known here")
    program.press("Accept this key")
    program.until_text("which you accepted before")
    program.click(lambda view: view.find("Remove: On Cortex-A76, 4 cores, 8.6 GB: 2 ms, 2.0 times"))
    program.until(lambda view: "Cortex-A76" not in view.texts, 15, "the page without the result")
    changed = tmp_path / "changed.json"
    changed.write_text((tmp_path / "theirs.json").read_text().replace('"cores": 4', '"cores": 1'))
    program.drop(changed)
    program.until_text("This result was changed", "Believe none of its figures")
    program.screen.do("mousemove", 800, 500, "click", "--repeat", 30, "--delay", 10, 5)  # to the end of the page
    program.press("Save result…")
    program.until(lambda view: view.modal == "Where should the result be saved?", 15, "the dialog for a place")
    program.type(str(tmp_path / "mine.json"))
    program.keys("Return")
    program.until_text("The result was saved")
    assert json.loads((tmp_path / "mine.json").read_text())["result"]["machine"]["cores"] == 2
    program.check_clean()
