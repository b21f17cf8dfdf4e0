"""Adding a technique is one new file."""

import shutil
import sys
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


def test_a_dropped_file_is_found_and_described(copy: Path) -> None:
    """Given the techniques' package, When one file is dropped into it, Then it is there, and nothing else changed."""
    before = set(scan())
    add(copy, "brand_new", "brand_new")
    after = scan()

    assert set(after) == before | {"brand_new"}
    row = next(row for row in registry.describe_techniques(after) if row.id == "brand_new")
    assert (row.available, row.version, row.title, row.hint) == (True, 1, "A new one", "")
    assert row.params_schema["properties"]["strength"]["default"] == 0.5


def test_two_modules_of_one_id_are_named(copy: Path) -> None:
    add(copy, "first", "same")
    add(copy, "second", "same")
    with pytest.raises(DuplicateIdError, match=r"copied_techniques\.first.*copied_techniques\.second.*same"):
        scan()


@pytest.mark.parametrize("text", ["import no_such_library", "1 / 0", "def broken(:", "raise SystemError()"])
def test_a_module_that_cannot_be_imported_is_told_and_harms_nobody(copy: Path, text: str) -> None:
    """Given a module that raises, Then the others are found, and it has a row with its reason in one line."""
    (copy / "broken.py").write_text(text)
    found = scan()
    row = next(row for row in registry.describe_techniques(found) if row.id == "broken")
    assert not row.available
    assert "copied_techniques.broken" in row.hint
    assert "\n" not in row.hint
    assert len(found) == len(registry.techniques(("workers.quantize",)))


def test_a_missing_library_is_told_with_its_install_line(copy: Path) -> None:
    add(copy, "needs", "needs", ("no_such_library",))
    add(copy, "needs_too", "needs_too", ("no_such.library", "json"))
    rows = {row.id: row for row in registry.describe_techniques(scan())}
    assert (rows["needs"].available, rows["needs"].hint) == (False, "pip install no_such_library")
    assert not rows["needs_too"].available
    assert "no_such.library" in rows["needs_too"].hint


def test_helpers_are_skipped_and_wrong_ones_are_told(copy: Path) -> None:
    (copy / "helper.py").write_text("VALUE = 1")
    (copy / "_hidden.py").write_text("1 / 0")
    (copy / "wrong.py").write_text("SPEC = 'text'")
    found = scan()
    assert "helper" not in found
    assert [one.id for one in found.broken] == ["wrong"]


def test_what_is_there_is_found() -> None:
    """Given the project, Then its runtimes and techniques are found, each under its own id, and none is broken."""
    runtimes, techniques, targets = registry.runtimes(), registry.techniques(), registry.targets()
    assert {"onnxruntime-cpu", "openvino", "torch-cpu"} <= set(runtimes)
    assert runtimes.broken == techniques.broken == targets.broken == ()


def test_a_runtime_that_breaks_when_asked_is_not_available() -> None:
    from dataclasses import replace

    def explode() -> None:
        raise RuntimeError("driver mismatch\nmore")

    real = registry.runtimes()["onnxruntime-cpu"]
    scan_ = registry.Scan({"x": replace(real, id="x", available=explode)}, ())
    (row,) = registry.describe_runtimes(scan_)
    assert (row.available, row.hint) == (False, "It does not work here: driver mismatch.")
