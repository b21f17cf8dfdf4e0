"""The table of a study as a file."""

import csv
import os
import sys
from pathlib import Path

import pytest

from app.cli.study import write_table
from app.services.study.study import StudyRow


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('=HYPERLINK("http://x";"y").onnx', '\'=HYPERLINK("http://x";"y").onnx'),
        ("@x.onnx", "'@x.onnx"),
        ("a=b.onnx", "a=b.onnx"),
        pytest.param(
            os.fsdecode(b"caf\xe9.onnx"), "caf\\udce9.onnx",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="names are text there"),
        ),
    ],
)  # fmt: skip
def test_names_of_models_are_plain_cells(tmp_path: Path, name: str, shown: str) -> None:
    """Given a file name that a spreadsheet would calculate, or that is no text, Then the table holds it as text."""
    write_table(tmp_path / "t.csv", [StudyRow(name, "", speedup=1.5)])
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines())
    assert (row["model"], row["speedup"]) == (shown, "1.5")
