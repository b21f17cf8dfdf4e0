"""`fettle release --service`: a running service takes a release that the program unpacked for it."""

import zipfile
from pathlib import Path

import pytest
from fettle_command import Fettle
from finished_run import finished_folder
from served_bundles import start, stop
from test_hostile import ask


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_running_service_takes_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a service without a key and a release of another version, Then the job reads the service's secret from behind
    its walls and the service answers with the release; from another account's home it is refused."""
    finished_folder(tmp_path)
    fettle = Fettle(tmp_path / "data")
    first = fettle("release", "r1", "--target", "service", "--out", tmp_path / "first.zip", "--json")
    assert first.code == 0, first.err
    folder = tmp_path / "running"
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        archive.extractall(folder)
    variants = fettle("compare", "r1", "--json").document["variants"]
    other = next(one["id"] for one in variants if one["artifact"] and one["id"] != first.document["variant"])
    served = start(folder)
    try:
        before = ask(served.port, "GET", "/v2")[1]["version"]
        why = ("--accept-regression", "a test of the way")
        command = ("release", "r1", "--variant", other, *why, "--service", str(served.port), "--json")
        refused = fettle(*command)
        assert (refused.code, refused.error["code"]) == (3, "switch_refused")
        assert ask(served.port, "GET", "/v2")[1]["version"] == before
        monkeypatch.setenv("HOME", str(served.home))
        taken = fettle(*command)
        assert taken.code == 0, taken.err
        assert ask(served.port, "GET", "/v2")[1]["version"] != before
    finally:
        ended = stop(served)
    assert ended == (0, "")
