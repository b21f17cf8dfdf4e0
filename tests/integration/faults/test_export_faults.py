"""An export that fails leaves everything as it was."""

from pathlib import Path

import pytest
from fettle_command import Demo, Fettle
from stranger import copy_with

ALWAYS_WRONG = (
    'print(\'{"ok": false, "alike": 0, "problems": ["Golden input 0: another class is answered."]}\'); exit(3)\n'
)


@pytest.fixture
def broken(demo: Demo, tmp_path: Path) -> Fettle:
    """The program with a bundle that never passes its own test, on the demo's data."""
    root = copy_with(tmp_path / "copy", {})
    (root / "workers" / "export" / "bundle_files" / "verify.py").write_text(ALWAYS_WRONG)
    return Fettle(demo.fettle.home, root=root)


def test_a_bundle_that_fails_its_test_is_never_handed_out(broken: Fettle, demo: Demo, tmp_path: Path) -> None:
    """Given an older bundle of the same name, when the new one fails its self-test, then it stays, and why is reported."""
    out = tmp_path / "b.zip"
    out.write_bytes(b"an older bundle")
    done = broken("export", demo.run_id, "--target", "python", "--out", out, "--json")
    assert done.code == 1
    assert done.error["code"] == "selftest_failed"
    assert "another class is answered" in done.error["detail"]
    assert out.read_bytes() == b"an older bundle"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "copy"]
    assert broken.leftovers == []
    assert demo.fettle.here("jobs", "--json").document["jobs"][0]["state"] == "failed"


def test_any_version_can_be_exported_and_is_named(demo: Demo, tmp_path: Path) -> None:
    """Given the original, when it is exported, then its card claims no gain, and it verifies."""
    out = tmp_path / "original.zip"
    original = demo.document["baseline"]["id"]
    done = demo.fettle.here("export", demo.run_id, "--variant", original, "--target", "python", "--out", out, "--json")
    assert done.code == 0, done.err
    assert {"bundle", "sha256", "selftest", "variant", "original"} <= set(done.document)
    assert done.document["variant"] == original and done.document["original"] is True
    assert "holds the original, unchanged" in done.last_line
    assert all(check["ok"] for check in done.document["selftest"])
    assert demo.fettle.here("verify", out).code == 0


def test_compared_with_another_run(demo: Demo, tmp_path: Path) -> None:
    """Given a run against itself, then every version is judged against its result; other data cannot be compared."""
    done = demo.fettle.here("compare", demo.run_id, "--against", demo.run_id, "--json")
    assert done.code == 0, done.err
    document = done.document
    assert document["against"] == {"run_id": demo.run_id, "variant": demo.document["recommended"]}
    assert document["baseline"]["id"] == demo.document["recommended"]
    same = next(v for v in document["variants"] if v["id"] == demo.document["recommended"])
    assert same["agreement"] == 1.0
    assert all(variant["speedup"] is None for variant in document["variants"])
    assert demo.fettle.here("compare", demo.run_id, "--against", "nobody").code == 3
