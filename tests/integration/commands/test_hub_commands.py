"""`fettle hub …` as a person types it, against a hub on this computer."""

import dataclasses
import hashlib
import io
import json
import os
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakehub import Answer, FakeHub, write_repos
from fettle_command import Fettle, Finished, wait_for

from app.instance import InstanceLock
from app.paths import DataPaths
from presets.sample import sample_paths

SIZE = 6_000_000
WEIGHTS = os.urandom(SIZE)
TOKEN = "hf_VerySecretToken"
MODELS: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "ann/net": (
        {"pipeline_tag": "image-classification", "tags": ["license:mit"], "downloads": 5},
        {"config.json": b"{}", "onnx/model.onnx": WEIGHTS, "onnx/model_q4.onnx": b"q4", "README.md": b"# Net"},
    ),
    "ann/closed": ({"gated": "auto"}, {"model.safetensors": b"x" * 50}),
    "bob/pickled": ({"pipeline_tag": "image-classification"}, {"pytorch_model.bin": b"\x80\x02."}),
    **{f"many/model{number:02}": ({}, {"model.onnx": b"x"}) for number in range(5)},
}


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub(write_repos(tmp_path / "served", MODELS)) as hub:
        hub.users = {TOKEN: "ann"}
        yield hub


@pytest.fixture
def fettle(tmp_path: Path, fake: FakeHub) -> Fettle:
    kept = dict.fromkeys(("HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "")
    backend = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return Fettle(tmp_path / "Däten", more={**kept, **backend, "HF_ENDPOINT": fake.endpoint})


@pytest.fixture
def here(fettle: Fettle) -> Callable[..., Finished]:
    """Return a function that runs `fettle hub …` in this process, with further variables as keywords."""

    def run(*arguments: str, **more: str) -> Finished:
        return dataclasses.replace(fettle, more={**fettle.more, **more}).here("hub", *arguments, "--json")

    return run


def login(here: Callable[..., Finished], text: str) -> Finished:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdin", io.StringIO(text))
        return here("login")


def get_path(done: Finished) -> Path:
    return Path(done.document["path"])


def come(fettle: Fettle) -> int:
    return sum(path.stat().st_size for path in (fettle.home / "hub" / "arriving").rglob("model.onnx"))


def test_search_to_the_letter(fettle: Fettle, here: Callable[..., Finished]) -> None:
    """Given pages of two, Then a search gives as many as were requested."""
    done = here("search", "many", "--limit", "3")
    assert done.code == 0, done.err
    assert list(done.document) == ["models"]
    assert len(done.document["models"]) == 3
    assert {"repo", "task", "license", "downloads", "likes", "size_bytes", "formats", "safe_format", "gated"} <= set(
        done.document["models"][0]
    )
    assert done.last_line == "3 models, and there are more."
    assert len(here("search", "many").document["models"]) == 5

    filtered = here("search", "--task", "image-classification", "--license", "mit")
    assert [model["repo"] for model in filtered.document["models"]] == ["ann/net"]
    nothing = here("search", "zzz")
    assert (nothing.code, nothing.document) == (0, {"models": []})
    assert nothing.last_line == "No model fits. Use fewer words or filters."
    assert not (fettle.home / "fettle.db").exists(), "searching writes nothing"


def test_get_to_the_letter(here: Callable[..., Finished], fake: FakeHub) -> None:
    """Given a model, Then it comes whole by its commit, a second time without the network, and one file by its name."""
    done = here("get", "ann/net")
    assert done.code == 0, done.err
    assert list(done.document) == ["path", "revision", "files"]
    assert done.document["revision"] == fake.repos["ann/net"].sha
    assert [sorted(file) for file in done.document["files"]] == [["name", "sha256", "size"]] * 3
    assert {file["name"]: file["sha256"] for file in done.document["files"]} == {
        name: hashlib.sha256(MODELS["ann/net"][1][name]).hexdigest()
        for name in ("config.json", "README.md", "onnx/model.onnx")
    }
    for file in done.document["files"]:
        assert (get_path(done) / file["name"]).read_bytes() == MODELS["ann/net"][1][file["name"]]
    assert "fettle optimize" in done.last_line

    fake.sent.clear()
    again = here("get", f"ann/net@{fake.repos['ann/net'].sha}")
    assert again.document == done.document
    assert "onnx/model.onnx" not in fake.sent
    named = here("get", "ann/net@main", "--file", "*q4*", "--file", "config.json")
    assert [file["name"] for file in named.document["files"]] == ["config.json", "onnx/model_q4.onnx"]
    offline = here("get", "ann/net", HF_HUB_OFFLINE="1")
    assert offline.document == done.document
    assert "was not contacted" in offline.err


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("search", "--limit", "0"), 2, "usage"),
        (("get",), 2, "usage"),
        ((), 2, "usage"),
        (("get", "ann/net@"), 2, "usage"),
        (("get", "ann/none"), 3, "hub_not_found"),
        (("get", "ann/net@v9"), 3, "hub_no_revision"),
        (("get", "../../etc"), 3, "hub_bad_name"),
        (("get", "ann/net", "--file", "nothing*"), 3, "hub_no_file"),
        (("get", "bob/pickled"), 3, "hub_pickle"),
        (("get", "ann/closed"), 3, "hub_gated"),
    ],
)
def test_refusals(here: Callable[..., Finished], arguments: tuple[str, ...], code: int, word: str) -> None:
    done = here(*arguments)

    assert (done.code, done.error["code"]) == (code, word)
    assert done.last_line.startswith(done.error["title"])


def test_no_hub(here: Callable[..., Finished], fake: FakeHub) -> None:
    """Given a busy hub, a log-in page of a network, nobody there, offline mode, no address, Then exit code and words."""
    fake.answers = [Answer("/api/models", 429, {"Retry-After": "900"})]
    busy = here("search")
    assert (busy.code, busy.error["code"]) == (6, "hub_busy")
    fake.answers = [Answer("/api/models", 200, {"Content-Type": "text/html"}, b"<html>Hotel</html>")]
    assert here("search").error["code"] == "hub_garbage"
    gone = here("search", HF_ENDPOINT="http://127.0.0.1:9")
    assert (gone.code, gone.error["code"]) == (6, "hub_unreachable")
    offline = here("search", HF_HUB_OFFLINE="1")
    assert (offline.code, offline.error["code"]) == (6, "hub_offline")
    bad = here("search", HF_ENDPOINT="not an address")
    assert (bad.code, bad.error["code"]) == (2, "bad_endpoint")


def test_while_the_window_is_open(here: Callable[..., Finished], fettle: Fettle) -> None:
    """Given a program that holds the data folder, Then searching works, and commands that write name the holder."""
    with InstanceLock.take(DataPaths(fettle.home), "window", "Fettle's window"):
        assert here("search").code == 0
        for arguments in (("get", "ann/net"), ("login",)):
            done = here(*arguments)
            assert done.code == 6
            assert "Fettle's window" in done.error["detail"]


def test_killed_in_the_middle(fettle: Fettle, here: Callable[..., Finished], fake: FakeHub) -> None:
    """Given a program that is killed at 90 %, When it is started again, Then at most 15 % come again, and it is whole."""
    fake.block_delay_s = 0.02
    process = fettle.start("hub", "get", "ann/net")
    wait_for(lambda: come(fettle) > SIZE * 0.9)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not fettle.workers())
    assert not list((fettle.home / "hub" / "models").rglob("*.onnx")), "no part is left as whole"

    fake.block_delay_s, fake.sent = 0.0, {}
    done = here("get", "ann/net")
    assert done.code == 0, done.err
    assert (get_path(done) / "onnx" / "model.onnx").read_bytes() == WEIGHTS
    assert fake.sent["onnx/model.onnx"] <= SIZE * 0.15
    assert list((fettle.home / "hub" / "arriving").iterdir()) == []


def test_cancelled(fettle: Fettle, fake: FakeHub) -> None:
    """Given Ctrl-C in the middle, Then it ends, with nothing left."""
    fake.block_delay_s = 0.05
    process = fettle.start("hub", "get", "ann/net", "--json")
    wait_for(lambda: come(fettle) > SIZE * 0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 5, err
    assert '"cancelled"' in out
    assert [path for path in (fettle.home / "hub").rglob("*") if path.is_file()] == []
    assert fettle.leftovers == []


def test_the_token_is_kept_and_never_printed(fettle: Fettle, here: Callable[..., Finished], fake: FakeHub) -> None:
    """Given a log-in, Then the gated model comes, and the token stands in its own file and in no other, and no output."""
    bad = login(here, "hf_wrong\n")
    assert (bad.code, bad.error["code"]) == (3, "hub_bad_token")
    good = login(here, f"{TOKEN}\n")
    assert good.code == 0, good.err
    assert good.document == {"user": "ann", "endpoint": fake.endpoint, "kept": "file"}
    assert "which only you may read" in good.err
    fake.answers = [Answer("HEAD.*safetensors", 500)]
    done = here("get", "ann/closed")
    assert done.code == 0, done.err
    refused = here("get", "ann/none")

    holding = [path for path in fettle.home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert holding == [fettle.home / "hub" / "token.json"]
    assert holding[0].stat().st_mode & 0o777 == 0o600
    for text in (good.out, good.err, done.out, done.err, refused.out, refused.err):
        assert TOKEN not in text
    assert {seen.token for seen in fake.seen if not seen.host.startswith("127.0.0.1")} <= {None}
    elsewhere = here("get", "ann/closed", HF_ENDPOINT=fake.endpoint.replace("127.0.0.1", "localhost"))
    assert elsewhere.error["code"] == "hub_gated", "another address, no token"


def test_a_token_of_the_environment(here: Callable[..., Finished]) -> None:
    """Given HF_TOKEN, Then it is used; one that cannot be a token is not repeated."""
    assert here("get", "ann/closed", HF_TOKEN=TOKEN).code == 0
    wrong = here("search", HF_TOKEN="two words")
    assert wrong.code == 3
    assert "two words" not in wrong.out + wrong.err


def test_download_progress_is_printed(
    here: Callable[..., Finished], fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a download that takes a while and no terminal, Then lines show bytes, speed and time left."""
    monkeypatch.setattr("app.cli.hub.LINE_EVERY_S", 0.3)
    fake.block_delay_s = 0.03
    done = here("get", "ann/net")
    lines = [line for line in done.err.splitlines() if line.startswith("Download")]

    assert done.code == 0
    assert lines
    assert all("of 6.0 MB" in line for line in lines)
    assert any("per second" in line and "left" in line for line in lines)


@pytest.mark.slow
def test_origin_of_a_hub_model_is_in_card_and_manifest(fettle: Fettle, fake: FakeHub, tmp_path: Path) -> None:
    """Given a model from the hub, When it is optimized and exported, Then card and manifest name its origin."""
    sample = sample_paths()
    fake.repos["ann/net"].files["onnx/model.onnx"].data = sample.model.read_bytes()
    got = fettle("hub", "get", "ann/net", "--json")
    made = fettle("optimize", get_path(got), "--data", sample.data, "--time-budget", "60", "--json")
    assert made.code in (0, 4), made.err
    bundle = tmp_path / "bundle.zip"
    variant = made.document["recommended"] or made.document["baseline"]["id"]
    report = fettle(
        "export", made.document["run_id"], "--variant", variant, "--target", "python", "--out", bundle, "--json"
    )
    assert report.code == 0, report.err

    with zipfile.ZipFile(bundle) as archive:
        hub = json.loads(archive.read("manifest.json"))["origin"]["hub"]
        card = archive.read("README.md").decode()
    assert (hub["repo"], hub["commit"], hub["license"]) == ("ann/net", got.document["revision"], "mit")
    assert {file["name"]: file["sha256"] for file in hub["files"]} == {
        file["name"]: file["sha256"] for file in got.document["files"]
    }
    assert f"commit `{got.document['revision']}`" in card
