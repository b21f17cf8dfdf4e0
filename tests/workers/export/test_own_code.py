"""A bundle runs the sources that its checksums cover, and nothing that lies next to them."""

import importlib.util
import marshal
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from bundle_facts import export_of, filled, run_python

from workers.pipeline.golden import check_sums

SOURCE = "fettle_bundle/pipeline/golden.py"
IMPORT = "import sys; sys.path.insert(0, '.'); import fettle_bundle.pipeline.golden"


@pytest.fixture(scope="module")
def exported(make_small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(export_of(make_small("cnn"), golden=2), tmp_path_factory.mktemp("own-code"))


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(exported, tmp_path / "bundle")


def poison(source: Path, marker: Path) -> Path:
    """Write a cache for `source` that creates `marker` and then fails, as if Python had compiled it from there."""
    code = compile(f"open({str(marker)!r}, 'w').close()\nraise SystemExit(9)", str(source), "exec")
    stat = source.stat()
    head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size)
    cache = Path(importlib.util.cache_from_source(str(source)))
    cache.parent.mkdir(exist_ok=True)
    cache.write_bytes(head + marshal.dumps(code))
    return cache


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_python(folder, *arguments, options=("-I",))


def test_poisoned_cache_imported_plainly_writes_its_marker(folder: Path, tmp_path: Path) -> None:
    """Given a cache that fits its source, when Python imports the module by itself, then it runs the cache."""
    poison(folder / SOURCE, tmp_path / "marker")
    assert run(folder, "-c", IMPORT).returncode == 9
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("source", [SOURCE, "bundle.py", "fettle_bundle/__init__.py"])
@pytest.mark.parametrize("script", ["run.py", "verify.py"])
def test_script_with_a_poisoned_cache_runs_the_source(folder: Path, tmp_path: Path, script: str, source: str) -> None:
    """Given a poisoned cache, when a script runs, then the marker is not written, and verify.py names the cache."""
    cache = poison(folder / source, tmp_path / "marker")
    done = run(folder, script, *(["golden/example.npz"] if script == "run.py" else []))
    assert not (tmp_path / "marker").exists()
    name = cache.relative_to(folder).as_posix()
    if script == "verify.py":
        assert (done.returncode, f"{name} was added." in done.stdout) == (3, True), done.stderr
    else:
        assert done.returncode == 0, done.stderr


def test_unlisted_module_next_to_the_scripts_is_not_imported(folder: Path, tmp_path: Path) -> None:
    """Given modules that no manifest lists, when a script runs, then packages of these names come from elsewhere."""
    for name in ("numpy.py", "onnxruntime.py", "fettle_bundle/pipeline/PIL.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'marker')!r}, 'w').close()")
    (folder / "fettle_bundle" / "infer" / "base.so").write_bytes(b"no library")
    done = run(folder, "run.py", "golden/example.npz")
    assert (done.returncode, (tmp_path / "marker").exists()) == (0, False), done.stderr


def test_import_of_bundle_leaves_the_folder_as_it_was_hashed(folder: Path) -> None:
    """Given a program that imports the bundle without further care, when it loads the model, then no file is left."""
    done = run(folder, "-c", "import sys; sys.path.insert(0, '.'); import bundle; print(bundle.load().inputs)")
    assert "image" in done.stdout, done.stderr
    assert check_sums(folder) == []
