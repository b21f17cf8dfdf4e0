"""Test the content-addressed store."""

import ast
import errno
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from app.services.flow import artifacts
from app.services.flow.artifacts import LIBRARIES, ArtifactStore

ROOT = Path(__file__).parents[4]


def written(folder: Path, text: str = "model") -> Path:
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.onnx").write_text(text)
    return folder


def test_adopted_folder_is_found_again(tmp_path: Path) -> None:
    """Given a finished job's folder, When it is adopted, Then another process finds it with its result and its
    files."""
    key = ArtifactStore(tmp_path / "store").key("apply", {"x": 1}, 0, {})
    ArtifactStore(tmp_path / "store").adopt(written(tmp_path / "job"), key, {"n": 3})
    entry = ArtifactStore(tmp_path / "store").get(key)
    assert entry.result == {"n": 3}
    assert (entry.folder / "model" / "model.onnx").read_text() == "model"
    assert not (tmp_path / "job").exists()


def test_damaged_folder_is_removed(tmp_path: Path) -> None:
    """Given a stored folder with a changed byte, When it is requested, Then it is removed."""
    store = ArtifactStore(tmp_path / "store")
    key = store.key("apply", {}, 0, {})
    entry = store.adopt(written(tmp_path / "job"), key, {})
    (entry.folder / "model" / "model.onnx").write_text("modeI")
    assert ArtifactStore(tmp_path / "store").get(key) is None
    assert not entry.folder.exists()


@pytest.mark.parametrize("name", [artifacts.RESULT_FILE, artifacts.MANIFEST_FILE])
@pytest.mark.parametrize("text", ["", '{"n"', "[1]", "null", "[" * 100_000, '{"a": 1}', '{"a": ["x", 1e999]}'])
def test_damaged_documents_of_an_entry_count_as_damage(tmp_path: Path, name: str, text: str) -> None:
    """Given an entry whose result or list of files is cut or another's, Then it is not there, and can be made again."""
    store = ArtifactStore(tmp_path / "store")
    key = store.key("apply", {}, 0, {})
    entry = store.adopt(written(tmp_path / "job"), key, {"n": 1})
    (entry.folder / name).write_text(text, encoding="utf-8")
    fresh = ArtifactStore(tmp_path / "store")
    if name == artifacts.MANIFEST_FILE or "a" not in text:  # any object is a result
        assert fresh.peek(key) is None and fresh.get(key) is None and not entry.folder.exists()
    assert fresh.adopt(written(tmp_path / "job"), key, {"n": 2}).result == {"n": 2}
    assert ArtifactStore(tmp_path / "store").get(key).result == {"n": 2}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such devices")
def test_device_in_place_of_a_file_counts_as_damage(tmp_path: Path) -> None:
    """Given an entry of a stranger in which a file is a link to an endless device, Then it is not read."""
    store = ArtifactStore(tmp_path / "store")
    entry = store.adopt(written(tmp_path / "job"), store.key("apply", {}, 0, {}), {})
    (entry.folder / "model" / "model.onnx").unlink()
    (entry.folder / "model" / "model.onnx").symlink_to("/dev/zero")
    assert ArtifactStore(tmp_path / "store").get(entry.key) is None


def test_key_depends_on_everything_that_made_the_result(tmp_path: Path) -> None:
    """Given the same job, Then the key is the same wherever store and file are; any change gives another key."""
    a, b = ArtifactStore(tmp_path / "a"), ArtifactStore(tmp_path / "b")
    params_a = {"model_dir": str(tmp_path / "a" / "12" / "1234" / "model"), "path": "/home/me/m.onnx"}
    params_b = {"model_dir": str(tmp_path / "b" / "12" / "1234" / "model"), "path": "/tmp/m.onnx"}
    key = a.key("apply", params_a, 0, {"/home/me/m.onnx": "sha256:1"})
    assert key == b.key("apply", params_b, 0, {"/tmp/m.onnx": "sha256:1"})
    assert key != a.key("apply", params_a, 1, {"/home/me/m.onnx": "sha256:1"})
    assert key != a.key("apply", params_a, 0, {"/home/me/m.onnx": "sha256:2"})
    assert key != a.key("answer", params_a, 0, {"/home/me/m.onnx": "sha256:1"})
    assert key != a.key("apply", params_a, 0, {"/home/me/m.onnx": "sha256:1"}, threads=2)


def test_another_machine_or_library_makes_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given another processor, or another version of any library, Then the key is another one."""
    keys = {ArtifactStore(tmp_path).key("answer", {}, 0, {})}
    monkeypatch.setattr("app.services.flow.artifacts.machine_identity", lambda: "another processor")
    keys.add(ArtifactStore(tmp_path).key("answer", {}, 0, {}))
    monkeypatch.syspath_prepend(tmp_path / "packages")
    for name in ("tokenizers", "pillow", "scipy", "timm", "onnxscript"):
        facts = tmp_path / "packages" / f"{name}-999.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 999\n")
        keys.add(ArtifactStore(tmp_path).key("answer", {}, 0, {}))
    assert len(keys) == 7


def test_another_card_or_driver_is_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given another GPU with the same driver, Then it is another machine; its bus or number does not matter."""
    monkeypatch.setattr(artifacts, "GPU_CARDS", tmp_path)
    card = tmp_path / "0000:01:00.0" / "information"
    card.parent.mkdir()
    found = []
    for model, irq in (("A", 1), ("B", 1), ("B", 2)):
        card.write_text(f"Model: \t {model}\nIRQ: \t {irq}\nGPU Firmware: \t 570\n", "utf-8")
        found.append(artifacts.machine_identity.__wrapped__())
    assert found[0] != found[1] == found[2]


CANNOT_CHANGE_RESULTS = {
    "google", "huggingface_hub", "license_expression", "packaging", "psutil", "pydantic", "pydantic_core", "pynvml",
    "yaml", "httpx2", "threadpoolctl", "cyclonedx", "packageurl", "markdown_it", "cryptography", "model_signing",
    "networkx", "xlsxwriter", "starlette", "uvicorn",
}  # fmt: skip
"""Carry messages, read licenses, query the system or the hub, set threads, write bills of materials and cards, sign,
write tables, join sets of operators, serve pages: nothing that goes into the store is made with them."""


@pytest.mark.whole
def test_every_library_of_the_workers_is_in_the_key() -> None:
    """Given the imports of the workers, Then their distributions are part of the key, or are known to change
    nothing."""
    known = {name.lower() for name in LIBRARIES}
    missing, all_distributions = {}, dict(packages_distributions())
    all_distributions["mlperf_loadgen"] = ["mlcommons-loadgen"]  # its wheel does not name its module
    for file in (ROOT / "workers").rglob("*.py"):
        if "bundle_files" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names} - CANNOT_CHANGE_RESULTS - {"workers"}:
                distributions = all_distributions.get(name, [])
                if name not in sys.stdlib_module_names and not known & {one.lower() for one in distributions}:
                    missing[name] = file.name
    assert not missing


def test_adopt_of_the_same_files_keeps_the_stored_ones(tmp_path: Path) -> None:
    """Given a stored folder in use, When the same files are adopted again, Then the folder stays and has the last
    result; other files replace it."""
    store = ArtifactStore(tmp_path / "store")
    file = store.adopt(written(tmp_path / "job"), "c" * 64, {"n": 1}).folder / "model" / "model.onnx"
    before = file.stat().st_ino
    again = store.adopt(written(tmp_path / "job"), "c" * 64, {"n": 2})
    assert (file.stat().st_ino, again.result) == (before, {"n": 2})
    assert not (tmp_path / "job").exists()
    assert ArtifactStore(tmp_path / "store").get("c" * 64).result == {"n": 2}
    store.adopt(written(tmp_path / "job", "another"), "c" * 64, {"n": 3})
    assert file.read_text() == "another"
    assert [path.name for path in file.parents[2].iterdir()] == ["c" * 64]


def test_adopt_of_the_same_files_repairs_a_damaged_folder(tmp_path: Path) -> None:
    """Given a stored folder with a changed byte, When the same files are adopted again, Then it is intact."""
    store = ArtifactStore(tmp_path / "store")
    file = store.adopt(written(tmp_path / "job"), "d" * 64, {}).folder / "model" / "model.onnx"
    file.write_text("modeI")
    store.adopt(written(tmp_path / "job"), "d" * 64, {})
    assert file.read_text() == "model"


def test_folder_that_cannot_be_read_now_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a read error other than damage, Then nothing is found, and the folder stays."""
    key = "e" * 64
    ArtifactStore(tmp_path / "store").adopt(written(tmp_path / "job"), key, {})

    def fail(*_: object) -> str:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("app.services.flow.artifacts.digest_of", fail)
    assert ArtifactStore(tmp_path / "store").get(key) is None
    monkeypatch.undo()
    assert ArtifactStore(tmp_path / "store").get(key) is not None


def test_read_only_store_keeps_a_damaged_folder(tmp_path: Path) -> None:
    """Given a damaged folder, When a read-only store finds it, Then it is not used and stays."""
    key = "f" * 64
    file = ArtifactStore(tmp_path / "store").adopt(written(tmp_path / "job"), key, {}).folder / "model" / "model.onnx"
    file.write_text("modeI")
    assert ArtifactStore(tmp_path / "store", read_only=True).get(key) is None
    assert file.exists()


def test_peek_compares_sizes_only(tmp_path: Path) -> None:
    """Given a changed byte, Then `peek` still finds the entry; with a shorter or missing file it does not."""
    store = ArtifactStore(tmp_path / "store")
    key = store.key("apply", {}, 0, {})
    file = store.adopt(written(tmp_path / "job"), key, {"n": 3}).folder / "model" / "model.onnx"
    later = ArtifactStore(tmp_path / "store")
    assert later.bytes_to_check(key) > 0 and store.bytes_to_check(key) == 0
    file.write_text("modeI")
    assert later.peek(key).result == {"n": 3}
    file.write_text("mod")
    assert later.peek(key) is None
    file.unlink()
    assert later.peek(key) is None and later.peek("nothing") is None


def test_stopped_work_changes_nothing(tmp_path: Path) -> None:
    """Given a stop request, Then nothing is stored and nothing is removed."""
    store = ArtifactStore(tmp_path / "store")
    with pytest.raises(InterruptedError):
        store.adopt(written(tmp_path / "job"), "a" * 64, {}, lambda: True)
    assert store.peek("a" * 64) is None
    key = "b" * 64
    store.adopt(tmp_path / "job", key, {})
    assert ArtifactStore(tmp_path / "store").get(key, lambda: True) is None
    assert ArtifactStore(tmp_path / "store").get(key) is not None
