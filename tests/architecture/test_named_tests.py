"""Documents name tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_faults_name_tests_that_exist() -> None:
    """Given the list of mended faults, Then each test that it names is defined in the file that it names."""
    text = (ROOT / "docs" / "faults-of-0.2.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)", text)
    assert len(named) > 100
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"def {name}\b", (ROOT / "tests" / file).read_text(encoding="utf-8"))
    ]
    assert missing == []
