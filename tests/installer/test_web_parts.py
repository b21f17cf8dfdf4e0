"""What web pages bring along: fetched by npm in pinned versions, held to their hashes. A stand-in for npm packs files."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from steps import web
from steps.place import Place
from steps.words import SetupError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A clone that wants one package, and an npm that packs it."""
    made = Place(tmp_path / "clone")
    made.site_packages.mkdir(parents=True)
    (made.root / "installer").mkdir()
    archive = tmp_path / "served.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in (("package/engine.wasm", b"wasm"), ("package/unwanted.js", b"x")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    row = {
        "name": "engine", "version": "1.2.3", "license": "MIT", "archive": "engine-1.2.3.tgz",
        "sha512": hashlib.sha512(archive.read_bytes()).hexdigest(), "download_bytes": 2_000_000, "installed_bytes": 5_000_000,
        "files": {"package/engine.wasm": hashlib.sha256(b"wasm").hexdigest()},
    }  # fmt: skip
    (made.root / "installer" / "web.json").write_text(json.dumps({"packages": [row]}))
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$1 $2" = "pack engine@1.2.3" ] || exit 1\n/bin/cp "{archive}" engine-1.2.3.tgz\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return made


def test_it_is_fetched_once_and_held_to_its_hash(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an environment without them, then sizes are reported first, only what a page holds is kept, and that is enough
    until a file is changed."""
    web.ensure(place)
    folder = place.site_packages / "fettle_web"
    assert sorted(path.name for path in folder.iterdir()) == ["__init__.py", "engine.wasm", "pins.json"]
    report = capsys.readouterr().err
    assert "engine 1.2.3, about 2 MB to download and 5 MB on disk" in report
    web.ensure(place)
    assert capsys.readouterr().err == ""
    (folder / "engine.wasm").write_bytes(b"other")
    assert not web.is_there(place)
    web.ensure(place)
    assert (folder / "engine.wasm").read_bytes() == b"wasm"


@pytest.mark.parametrize(("key", "expected"), [("sha512", "its hash differs"), ("files", "is not what was expected")])
def test_something_else_is_not_kept(place: Place, key: str, expected: str) -> None:
    """Given an archive or a file with another hash, then nothing of it is kept."""
    path = place.root / "installer" / "web.json"
    pins = json.loads(path.read_text())
    pins["packages"][0][key] = "00" if key == "sha512" else {"package/engine.wasm": "00"}
    path.write_text(json.dumps(pins))
    with pytest.raises(SetupError) as caught:
        web.ensure(place)
    assert expected in caught.value.what
    assert list(place.site_packages.iterdir()) == []


def test_missing_npm_is_reported_with_a_hint(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given no npm, or one that fails, then it is named what to install or look at, without a command: the window shows it."""
    monkeypatch.setattr(web.shutil, "which", lambda _name: None)
    with pytest.raises(SetupError) as caught:
        web.ensure(place)
    assert "Node.js" in caught.value.what and "Install Node.js" in caught.value.hint
    assert not any(word in caught.value.hint for word in ("sudo", "apt-get", "command"))
    monkeypatch.setattr(web.shutil, "which", lambda _name: "/bin/false")
    with pytest.raises(SetupError) as caught:
        web.ensure(place)
    assert "could not be fetched" in caught.value.what


def test_the_program_uses_the_pinned_files() -> None:
    """Given the pins of the set-up, then the page's own room requests exactly these files."""
    from workers.export.web import engine

    rows = json.loads((Path(__file__).parents[2] / "installer" / "web.json").read_text())["packages"]
    assert {Path(name).name for row in rows for name in row["files"]} == {
        "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm", "tokenizers.min.mjs", "LICENSE",
    }  # fmt: skip
    assert [library.name for library in engine.libraries(tokenizer=True)] == [row["name"] for row in rows]
