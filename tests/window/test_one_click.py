"""From a result that is proven safe to a finished bundle: one click of a real mouse."""

import zipfile
from pathlib import Path

import pytest
from finished_run import finished_folder
from rig import Start

ENOUGH = 420
"""Pictures that prove the faster version of the sample within its limit."""


@pytest.mark.timeout(400)
def test_one_click_from_compare_gives_a_bundle(start: Start, tmp_path: Path) -> None:
    """Given a result that is safe, When "Export bundle" on Compare is pressed, Then the page Export shows how that
    goes and ends with a tested bundle in the documents; a second button leads to the form and writes nothing."""
    finished_folder(tmp_path / "home", last=ENOUGH)
    program = start(project="p1")
    program.open_compare()
    program.until_text("Safe to ship")
    program.press("Export bundle", 60)
    program.until_page("export")
    program.until_page("export", "done", 240)
    assert program.clicks == 1
    documents = program.home / "Documents" / "Fettle"
    (bundle,) = documents.glob("*.zip")
    with zipfile.ZipFile(bundle) as archive:
        assert {"run.py", "verify.py", "card.html"} <= set(archive.namelist())

    program.keys("ctrl+5")
    program.until_page("compare", "full")
    program.press("Choose what to write…")
    program.until_page("export", "full")
    program.until_text("Take it with you", "clothes-classifier-2.zip")
    assert list(documents.glob("*.zip")) == [bundle]
    program.check_clean()
