"""Optional sets in folders of their own: complete or absent, held to their hashes, and resumed after a cut."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_index import SIZE, WHEELS, Index, lay_out_sets, serving
from steps import fetch, folders
from steps.cost import cost
from steps.place import Place
from steps.words import SetupError

from app.set_folders import activate

ONE_OF_EACH_SOURCE = ("cluster", "web")
"""Packages of an index, and plain files; the other sets are packages as well."""

pytestmark = pytest.mark.filterwarnings("ignore:Setuptools is replacing distutils")  # pip comes after setuptools here


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with serving() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        fetch._pip.cache_clear()
        yield made
        fetch._pip.cache_clear()


@pytest.fixture
def place(tmp_path: Path, index: Index) -> Place:
    """An installer without an environment, as that of an installed program."""
    lay_out_sets(tmp_path / "größe mit leer", index)
    return Place(tmp_path / "größe mit leer")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data ä" / "sets"


@pytest.mark.whole
@pytest.mark.parametrize("name", ONE_OF_EACH_SOURCE)
def test_cut_download_goes_on_where_it_was(place: Place, root: Path, index: Index, name: str) -> None:
    """Given an index that cuts each file at 100,000 bytes, When a set is installed, Then it fails without a folder and
    counts only the rest; When it is installed again, Then each file goes on there, and the set comes on the path."""
    index.cut_at = 100_000
    with pytest.raises(SetupError, match="was cut off"):
        folders.add(place, root, name)
    assert not folders.folder(root, name).exists()
    before = cost(place, name, root)
    assert before["used_bytes"] == fetch.CHUNK_BYTES and before["packages"] == len(WHEELS.get(name, "1"))
    index.cut_at, index.requests = None, []
    folders.add(place, root, name)
    assert index.requests[0][1] == fetch.CHUNK_BYTES and all(first == 0 for _, first in index.requests[1:])
    after = cost(place, name, root)
    assert (after["packages"], after["download_bytes"]) == (0, 0) and after["used_bytes"] > SIZE
    assert not any((root / "downloads").iterdir())
    path = [*sys.path]
    try:
        activate(root, place.root)
        assert sys.path == [*path, str(folders.folder(root, name))], "the base's own packages come first"
    finally:
        sys.path[:] = path


@pytest.mark.parametrize("name", ["sign", "web"])
def test_wrong_bytes_are_not_kept(place: Place, root: Path, index: Index, name: str) -> None:
    """Given an index with other bytes than the lock's, When a set is installed, Then it is refused, nothing of the file
    is kept, and a larger file than the lock allows is not read to its end."""
    path = next(path for path in index.files if ("web" in path) == (name == "web") and "genai" not in path)
    for content, words in ((bytes(SIZE), "hash differs"), (bytes(4_000_000), "larger than expected")):
        index.files[path] = content
        with pytest.raises(SetupError, match=words):
            folders.add(place, root, name)
        assert not any(file.is_file() for file in (root / "downloads").rglob("*"))
        assert not folders.is_complete(place, root, name)


@pytest.mark.whole
def test_set_of_another_lock_is_replaced(place: Place, root: Path, index: Index) -> None:
    """Given a set that an older program installed, Then it is not used and is offered again; When it is installed, Then
    the new one is in its place."""
    folders.add(place, root, "language")
    lock = folders.lock(place, "language")
    lock.write_text("# another\n" + lock.read_text(encoding="utf-8"), encoding="utf-8")
    activate(root, place.root)
    assert not any(str(root) in entry for entry in sys.path) and cost(place, "language", root)["packages"] == 1
    folders.add(place, root, "language")
    assert folders.is_complete(place, root, "language")
    assert [path.name for path in root.iterdir() if path.is_dir() and any(path.iterdir())] == [
        folders.folder(root, "language").name
    ]


def test_missing_network_is_reported_in_words(
    place: Place, root: Path, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    """Given no index, or one without a build for this system, Then each is named, and the two differ."""
    index.files.clear()
    index.files["/files/onnxruntime_genai-9.0-cp27-cp27m-win32.whl"] = b""
    with pytest.raises(SetupError, match=r"no ready-built onnxruntime-genai 9\.0"):
        folders.add(place, root, "language")
    for name in ("PIP_INDEX_URL", "FETTLE_WEB_PARTS"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/nothing")
    fetch._pip.cache_clear()
    for name, words in (("language", "does not reach"), ("web", "cut off")):
        with pytest.raises(SetupError, match=words):
            folders.add(place, root, name)


def test_full_disk_keeps_what_was_there(place: Place, small_disk: Path) -> None:
    """Given a disk of 3 MB with little room, When a set is installed, Then the need and the room are named."""
    (small_disk / "other").write_bytes(bytes(2_700_000))
    with pytest.raises(SetupError, match=r"About 600 kB are needed .*, and .* free"):
        folders.add(place, small_disk / "sets", "web")
    assert (small_disk / "other").stat().st_size == 2_700_000


def test_the_program_uses_the_pinned_web_files() -> None:
    """Given the pins of the set-up, then the page's own room requests exactly these files."""
    from workers.export.web import engine

    rows = json.loads((Path(__file__).parents[2] / "installer" / "web.json").read_text())["packages"]
    assert {Path(name).name for row in rows for name in row["files"]} == {
        "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm", "tokenizers.min.mjs", "LICENSE",
    }  # fmt: skip
    assert [library.name for library in engine.libraries(tokenizer=True)] == [row["name"] for row in rows]


def test_every_package_of_a_set_has_hashes() -> None:
    """Given the real locks, then each of their wheels has hashes that an installation accepts."""
    place = Place(Path(__file__).parents[2])
    known = json.loads((place.root / "installer" / folders.HASHES).read_text())
    pins = {f"{pin.name}=={pin.version}" for name in WHEELS for pin in folders.pins(place, name)}
    assert pins == set(known) and all(known.values())
