"""Plug-ins are found by scanning their packages: a technique is added as one file."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from workers import quantize, registry
from workers.registry import DuplicateIdError

TECHNIQUE = """
from workers.contracts.techniques import TechniqueParams, TechniqueSpec


class Params(TechniqueParams):
    strength: float = 0.5


def apply(model, params, ctx):
    return model.artifact


SPEC = TechniqueSpec(
    id="{id}", title="A new one", summary="Does something.", source="https://example.org", params=Params,
    accepts=("onnx",), apply=apply, requires={requires!r},
)
"""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the techniques' package in a temporary folder, importable as `copied_techniques`."""
    folder = tmp_path / "copied_techniques"
    shutil.copytree(Path(quantize.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.startswith("copied_techniques")]:
        del sys.modules[name]


def add(folder: Path, name: str, spec_id: str, requires: tuple[str, ...] = ()) -> None:
    (folder / f"{name}.py").write_text(TECHNIQUE.format(id=spec_id, requires=requires))


def scan() -> registry.Scan:
    return registry.techniques(("copied_techniques",))


def test_scan_with_a_new_file_finds_and_describes_it(copy: Path) -> None:
    """Given the techniques' package, When a file is added to it, Then its technique is found, and no other changes."""
    before = set(scan())
    add(copy, "brand_new", "brand_new")
    after = scan()

    assert set(after) == before | {"brand_new"}
    row = next(row for row in registry.describe_techniques(after) if row.id == "brand_new")
    assert (row.available, row.version, row.title, row.hint) == (True, 1, "A new one", "")
    assert row.params_schema["properties"]["strength"]["default"] == 0.5


def test_scan_with_a_duplicate_id_names_both_modules(copy: Path) -> None:
    add(copy, "first", "same")
    add(copy, "second", "same")
    with pytest.raises(DuplicateIdError, match=r"copied_techniques\.first.*copied_techniques\.second.*same"):
        scan()


@pytest.mark.parametrize("text", ["import no_such_library", "1 / 0", "def broken(:", "raise SystemError()"])
def test_scan_with_a_broken_module_lists_it_and_finds_the_others(copy: Path, text: str) -> None:
    """Given a module whose import fails, Then all others are found, and its row has the reason in one line."""
    (copy / "broken.py").write_text(text)
    found = scan()
    row = next(row for row in registry.describe_techniques(found) if row.id == "broken")
    assert not row.available
    assert "copied_techniques.broken" in row.hint
    assert "\n" not in row.hint
    assert len(found) == len(registry.techniques(("workers.quantize",)))


def test_describe_with_a_missing_library_gives_the_install_command(copy: Path) -> None:
    add(copy, "needs", "needs", ("no_such_library",))
    add(copy, "needs_too", "needs_too", ("no_such.library", "json"))
    rows = {row.id: row for row in registry.describe_techniques(scan())}
    assert (rows["needs"].available, rows["needs"].hint) == (False, "pip install no_such_library")
    assert not rows["needs_too"].available
    assert "no_such.library" in rows["needs_too"].hint


def test_scan_skips_helpers_and_lists_specs_of_a_wrong_type(copy: Path) -> None:
    (copy / "helper.py").write_text("VALUE = 1")
    (copy / "_hidden.py").write_text("1 / 0")
    (copy / "wrong.py").write_text("SPEC = 'text'")
    found = scan()
    assert "helper" not in found
    assert list(found.broken) == ["copied_techniques.wrong"]


def test_scan_of_the_project_finds_all_plug_ins() -> None:
    """Given the project, Then no runtime, technique or target is broken."""
    runtimes, techniques, targets = registry.runtimes(), registry.techniques(), registry.targets()
    assert {"onnxruntime-cpu", "openvino", "torch-cpu"} <= set(runtimes)
    assert runtimes.broken == techniques.broken == targets.broken == {}


def test_runtime_whose_check_raises_is_not_available() -> None:
    """Given a runtime whose check raises an error of two lines, Then its row has the first line as reason."""

    def fail() -> None:
        raise RuntimeError("driver mismatch\nmore")

    runtimes = registry.Scan()
    runtimes["x"] = replace(registry.runtimes()["onnxruntime-cpu"], id="x", available=fail)
    (row,) = registry.describe_runtimes(runtimes)
    assert (row.available, row.hint) == (False, "It does not work here: driver mismatch.")
