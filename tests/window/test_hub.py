"""From the hub to a bundle in the real window, by mouse and keys, against a hub on this computer; and without any."""

import json
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from fakehub import FakeHub, write_repos
from rig import Item, Program, Start, View
from small_model import COLORS, write_model, write_pictures, write_quick_preset

RUN_S = 240
CARD = """---
license: apache-2.0
---
# Three colors

Tells *red*, *green* and *blue* pictures apart. <img src="http://elsewhere.invalid/x.png">

| Set | Right |
|---|---|
| made up | 100 % |
"""
TABLE_HEAD_PX, ROW_PX = 32, 52


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    """A starter that works, one with a pickle, one on request, and two dozen others."""
    onnx = write_model(tmp_path / "made.onnx").read_bytes()
    config = json.dumps({"model_type": "resnet", "id2label": dict(enumerate(COLORS))}).encode()
    task = {"pipeline_tag": "image-classification"}
    apache = {"tags": ["onnx", "license:apache-2.0"], "cardData": {"license": "apache-2.0"}}
    files = {"onnx/model.onnx": onnx, "config.json": config, "README.md": CARD.encode()}
    starter = {**task, **apache, "library_name": "transformers.js", "downloads": 24_100, "trendingScore": 9}
    gated = {**task, "gated": "manual", "trendingScore": 7, "cardData": {"license": "llama3"}}
    repos: dict[str, tuple[dict[str, object], dict[str, bytes]]] = {
        "Xenova/resnet-50": (starter, files),
        "someone/resnet-old": ({**task, "trendingScore": 8}, {"pytorch_model.bin": b"x" * 200}),
        "meta/resnet-gated": (gated, {"model.safetensors": b"x" * 200, "config.json": b"{}"}),
    }
    for number in range(24):
        words = {"license": ("mit", "cc-by-nc-4.0", "gpl-3.0", "other")[number % 4]}
        counts = {"parameters": {"F32": 1_000_000 * (number + 1)}, "total": 1_000_000 * (number + 1)}
        meta = {**task, "library_name": "timm", "cardData": words, "safetensors": counts, "downloads": number * 1000}
        repos[f"many/resnet-{number:02}"] = meta, {"model.safetensors": b"y" * 300}
    with FakeHub(write_repos(tmp_path / "hub", repos), page=20) as made:
        yield made


def row(number: int) -> Callable[[View], Item | None]:
    """A row of the table: it has no widget itself."""

    def pick(view: View) -> Item | None:
        table = view.find("Models of the hub", "Table")
        if table is None:
            return None
        left, top, width, _ = table.rect
        place = (left + 60, top + TABLE_HEAD_PX + number * ROW_PX, width - 120, ROW_PX)
        return Item(**{**table.__dict__, "rect": place, "seen": place})

    return pick


def remote_ends(program: Program) -> set[tuple[str, tuple[str, int]]]:
    """(who, to whom) of all connections now, listening sockets included."""
    found = set()
    for process in [psutil.Process(program.process.pid), *program.children]:
        try:
            name = "window" if process.pid == program.process.pid else "worker"
            for one in process.net_connections(kind="inet"):
                found.add((name, tuple(one.raddr) if one.raddr else ("listens", one.laddr.port)))
        except psutil.Error:
            continue
    return found


def search_by_keys(program: Program, words: str) -> None:
    """From the first page: into the hub's field, type, Enter."""
    program.until_page("model", "empty", 60)
    program.click(lambda view: view.find("Search the hub", "SearchField"), "the field")
    program.type(words)
    program.keys("Return")


@dataclass
class Watch:
    """The connections of programs that use the hub: sockets by the witness, and both ends by looks."""

    hub: FakeHub
    log: Path
    environment: dict[str, str]
    ends: set[tuple[str, tuple[str, int]]] = field(default_factory=set)

    def look(self, program: Program) -> None:
        self.ends |= remote_ends(program)

    @property
    def sockets(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def so_far(self) -> tuple[int, str]:
        """What was requested of the hub, and the sockets."""
        return len(self.hub.seen), self.sockets

    def check(self, *programs: Program) -> None:
        """Check that workers alone had sockets, and to the hub alone."""
        assert "socket inet" in self.sockets
        assert not any(f"({program.process.pid} " in self.sockets for program in programs), "the window's own process"
        assert {end for _, end in self.ends} <= {("127.0.0.1", self.hub.port)}
        assert {who for who, _ in self.ends} <= {"worker"}


@pytest.fixture
def watch(hub: FakeHub, netwatch: Path, tmp_path: Path) -> Watch:
    log = tmp_path / "network.log"
    environment = {"HF_ENDPOINT": hub.endpoint, "LD_PRELOAD": str(netwatch), "FETTLE_NETWATCH_LOG": str(log)}
    return Watch(hub, log, environment)


def begin_download(start: Start, watch: Watch) -> Program:
    """Search a starter, read its card and begin its download; nothing is requested before the search."""
    program = start(**watch.environment)
    program.until_page("model", "empty", 60)
    time.sleep(1)
    assert watch.hub.seen == [] and remote_ends(program) == set()
    search_by_keys(program, "resnet")
    program.until(lambda view: watch.look(program) or view.state == "full", 60, "the list")
    view = program.until(lambda view: view.button("Download and use"), 60, "the details")
    assert "Apache-2.0: may be used, changed and sold; keep its text" in view.texts
    assert view.page == "hub" and view.strays == ()
    program.press("Read its model card")
    program.until_text("The author's description of resnet-50")
    program.press("Back to the list")
    watch.hub.block_delay_s = 0.2
    program.press("Download and use")
    program.until(lambda view: watch.look(program) or view.button("Pause"), 30, "the download")
    return program


def until_downloaded(program: Program) -> None:
    view = program.until_page("model", "full", 120)
    assert "Xenova/resnet-50 of 127.0.0.1" in view.texts and "Apache-2.0: may be used" in view.texts


@pytest.mark.timeout(600)
def test_a_search_and_a_download_that_survives_the_program(
    start: Start, hub: FakeHub, watch: Watch, tmp_path: Path
) -> None:
    """Given the first run, When a starter is searched, its download paused, the program killed and started again, Then the
    download goes on from there; the window has the model with its license, and the hub is not asked any more."""
    model = hub.repos["Xenova/resnet-50"].files["onnx/model.onnx"]
    model.data = write_model(tmp_path / "larger.onnx", width=160).read_bytes()
    program = begin_download(start, watch)
    program.until_text(" a second")
    program.press("Pause")
    program.until_text("it can be resumed")
    program.process.kill()
    program.process.wait(10)
    sent = hub.sent["onnx/model.onnx"]

    hub.block_delay_s = 0.0
    again = start(**watch.environment)
    again.until_page("model", "empty", 60)
    again.press("Search")
    again.until_text("it can be resumed")
    n_requests = len(hub.seen)
    again.press("Go on")
    until_downloaded(again)
    assert sent > 0 and hub.sent["onnx/model.onnx"] - sent <= len(model.data) - sent + (1 << 20)
    assert len(hub.seen) > n_requests
    watch.check(program, again)

    so_far = watch.so_far
    again.press("Continue to data")
    again.until_page("data", "empty")
    assert watch.so_far == so_far, "the hub was asked although nobody searched"
    assert again.errors.read_text(encoding="utf-8") == ""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_a_search_to_a_bundle(start: Start, hub: FakeHub, watch: Watch, tmp_path: Path) -> None:
    """Given the first run, When a starter is searched, downloaded, optimized and exported, Then the bundle is good,
    and shows where its model is from."""
    write_quick_preset(tmp_path / "home")
    program = begin_download(start, watch)
    hub.block_delay_s = 0.0
    until_downloaded(program)
    watch.check(program)
    so_far = watch.so_far
    program.press("Continue to data")
    program.until_page("data", "empty")
    program.drop(write_pictures(tmp_path / "pictures"))
    program.until_page("data", "full", 120)
    program.press("Continue")
    program.until_page("goal", "full")
    program.click(lambda view: view.find("Quick", "QRadioButton"), "the card Quick")
    program.press("Start (")
    program.until(
        lambda view: view.page == "optimize" and view.state in ("finished", "kept_original"), RUN_S, "the run"
    )
    program.press("See ")
    program.until_page("compare", "full")
    chooses = program.see().button("Choose what to write…")  # not where the original was kept
    program.press("Choose what to write…" if chooses else "Export")
    program.until_page("export", "full")
    program.screen.do("mousemove", 600, 400, "click", "--repeat", 30, "--delay", 10, 5)  # the checks stand below
    program.until_text("License of the model", "Apache-2.0: OK")
    program.press("Export bundle")
    program.until_page("export", "done", RUN_S)

    (bundle,) = (program.home / "Documents" / "Fettle").glob("*.zip")
    with zipfile.ZipFile(bundle) as archive:
        names = {Path(name).name: name for name in archive.namelist()}
        card = archive.read(names["README.md"]).decode()
        origin = json.loads(archive.read(names["manifest.json"]))["origin"]["hub"]
    assert "as the hub states it: Apache-2.0: may be used, changed and sold" in card
    assert (origin["repo"], origin["commit"]) == ("Xenova/resnet-50", hub.repos["Xenova/resnet-50"].sha)
    assert {file["name"] for file in origin["files"]} >= {"onnx/model.onnx", "config.json"}
    assert watch.so_far == so_far, "the hub was asked although nobody searched"
    program.check_clean()


@pytest.mark.timeout(600)
def test_looking_around_and_a_model_on_request(start: Start, hub: FakeHub) -> None:
    """Given a list, When rows, filters and pages are used by mouse and keys, Then the page follows and shows; When a token
    is pasted for a gated model, Then it is let in; the token is kept for its owner alone, sent to the hub alone, and
    shown and logged nowhere."""
    secret = "hf_" + "s3cret" * 5
    hub.users[secret] = "me"
    program = start(HF_ENDPOINT=hub.endpoint)
    search_by_keys(program, "resnet")
    program.until(lambda view: view.page == "hub" and view.button("Download and use"), 60, "the details")
    program.click(row(1), "the second row")
    program.until_text("resnet-old")
    program.until(lambda view: view.button("Download anyway"), 60, "the question of consent")
    program.press("Download anyway")
    program.until(lambda view: view.modal == "These files can contain a program", 10, "the consent")
    program.keys("Escape")
    assert not [seen for seen in hub.seen if "pytorch_model.bin" in seen.path]

    program.click(row(1), "the second row")
    program.keys("Down")
    program.until_text("Its author approves each user")
    program.click(lambda view: view.find("Access token", "TextField"), "the field")
    program.type(secret)
    program.keys("Return")
    view = program.until(lambda view: view.button("(202 bytes)"), 60, "the way in")
    assert secret not in view.texts and "Llama 3" in view.texts
    (kept,) = (program.home / "data" / "hub").glob("token.json")
    assert kept.stat().st_mode & 0o077 == 0
    places = [path for path in (program.home / "data").rglob("*") if path.is_file() and path != kept]
    assert [path for path in places if secret.encode() in path.read_bytes()] == []
    assert {seen.host for seen in hub.seen if seen.token} == {f"127.0.0.1:{hub.port}"}

    program.press("Show more")
    program.until_text("27 shown.")
    program.click(lambda view: view.find("License", "ChoiceField"), "the choice of licenses")
    program.keys("Down", "Return")
    program.until_text("found match")
    program.press("Back")
    program.until_page("model", "empty")
    program.press("Settings")
    program.until_text("is stored in a file that only you can read")
    program.press("Forget the token")
    program.until(lambda view: not view.button("Forget the token"), 10, "the token gone")
    assert secret not in kept.read_text()
    assert program.errors.read_text(encoding="utf-8") == ""


@pytest.mark.timeout(600)
def test_with_the_network_off(start: Start) -> None:
    """Given nobody at the hub's address, When somebody searches, Then the page shows that and leads to the sample."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = start(HF_ENDPOINT=f"http://127.0.0.1:{port}")
    search_by_keys(program, "recognize pictures")
    view = program.until_page("hub", "error", 60)
    assert "The hub cannot be reached" in view.texts
    assert "drop your own file or try the sample" in view.texts
    assert view.button("Choose a file") and view.button("Try again")
    program.press("Try the sample")
    program.until_page("goal", limit_s=90)
    assert program.errors.read_text(encoding="utf-8") == ""
