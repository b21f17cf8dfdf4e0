"""The hub folder by command: another version than the recommended is reported, and files go to a hub only on a person's request."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakehub import FakeHub
from fettle_command import Demo, Fettle

TOKEN = "hf_VerySecretToken"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeHub]:
    (tmp_path / "served").mkdir()
    with FakeHub(tmp_path / "served") as hub:
        hub.users = {TOKEN: "ann"}
        yield hub


@pytest.fixture
def with_hub(demo: Demo, fake: FakeHub) -> Fettle:
    return Fettle(demo.fettle.home, more={"HF_ENDPOINT": fake.endpoint, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": ""})


def test_it_is_written_and_pushed(with_hub: Fettle, demo: Demo, fake: FakeHub, tmp_path: Path) -> None:
    """Given the answer to where, when it is exported, then the very files of the bundle are on the hub, in a repository that
    others do not see, the bundle verifies, and another version than the recommended one is reported."""
    out = tmp_path / "hub.zip"
    done = with_hub.here(
        "export", demo.run_id, "--target", "hub", "--answer", "push=ann/clothes", "--out", out, "--json"
    )
    assert done.code == 0, done.err
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert fake.pushed.files["ann/clothes"] == files
    assert done.document["pushed"]["address"] == f"{fake.endpoint}/ann/clothes"
    manifest = json.loads(files["manifest.json"])
    assert manifest["runtime"]["id"] == "onnxruntime-cpu" and manifest["model"]["folder"] == "onnx"
    other, recommended = done.document["instead_of"], demo.document["recommended"]
    assert (other is None) == (recommended in (None, done.document["variant"]))
    assert ("instead of the recommended" in done.last_line) == (other is not None)
    assert with_hub.here("verify", out).code == 0


def test_nothing_is_sent_without_a_destination(with_hub: Fettle, demo: Demo, fake: FakeHub, tmp_path: Path) -> None:
    """Given no answer, then the folder is written, and the hub got no request."""
    original = demo.document["baseline"]["id"]
    out = tmp_path / "hub.zip"
    done = with_hub.here("export", demo.run_id, "--target", "hub", "--variant", original, "--out", out, "--json")
    assert (done.code, done.document["pushed"], fake.seen) == (0, None, []), done.err


def test_who_is_not_logged_in(demo: Demo, fake: FakeHub, tmp_path: Path) -> None:
    """Given no token, when it shall be pushed, then that is shown before anything is written."""
    backend = "keyring.backends.fail.Keyring"
    more = {"HF_ENDPOINT": fake.endpoint, "HF_TOKEN": "", "HF_HUB_OFFLINE": "", "PYTHON_KEYRING_BACKEND": backend}
    out = tmp_path / "hub.zip"
    done = Fettle(demo.fettle.home, more=more).here(
        "export", demo.run_id, "--target", "hub", "--answer", "push=ann/clothes", "--out", out, "--json"
    )
    assert (done.code, done.error["code"], out.exists()) == (3, "hub_log_in_needed", False)
    assert fake.pushed.made == {}


def test_a_version_of_another_runtime_is_refused(demo: Demo, tmp_path: Path) -> None:
    """Given a version that OpenVINO runs, requested by its id, then words with what the target takes instead."""
    other = next(v["id"] for v in demo.document["variants"] if v["runtime"] == "openvino" and v["size_bytes"])
    done = demo.fettle.here(
        "export", demo.run_id, "--target", "hub", "--variant", other, "--out", tmp_path / "b.zip", "--json"
    )
    assert (done.code, done.error["code"]) == (3, "version_not_for_target")
    assert "--variant" in done.error["hint"]
