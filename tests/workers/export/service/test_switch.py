"""A service with a key that takes another bundle while it is used, stays on the old one where it must, and stops well."""

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from run_text import run_text
from served_bundles import INFER, KEY, LOAD, Served, load, request, running, send_request, start

from workers.export.service.bundle_files.fettle_service import server
from workers.pipeline.golden import write_sums
from workers.pipeline.prepared import Prepared, write_prepared

AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}
PAGE = "https://shop.example"


@pytest.fixture(scope="module")
def guarded(cnn_bundle: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a key, one more host and one page; its cache is off, so that each request is computed."""
    folder = tmp_path_factory.mktemp("first") / "bundle"
    shutil.copytree(cnn_bundle, folder)
    allowed = ("--allow-host", "shop.example", "--allow-origin", PAGE, "--cache-mb", "0")
    with running(folder, "--api-key-file", str(key_file), *allowed) as found:
        yield found


@pytest.mark.parametrize(
    "given", [{}, {"Authorization": "Bearer x"}, {"X-API-Key": KEY[:-1]}, {"Authorization": KEY[1:]}]
)
def test_without_the_key_nothing_of_the_model_is_shown(guarded: Served, given: dict[str, str]) -> None:
    """Given no key or a wrong one, then only health and the empty page are open."""
    for method, path in (("GET", "/v2"), ("POST", INFER), ("GET", "/metrics"), ("GET", "/openapi.json")):
        assert send_request(guarded.port, method, path, headers=given)[0] == 401
    assert send_request(guarded.port, "GET", "/v2/health/ready", headers=given)[0] == 200


def test_with_key_allowed_host_and_page_it_answers(guarded: Served, item) -> None:
    """Given the key (in either header), the added host and page, then answers that this page may read."""
    body = request(item)
    report = {"Host": "shop.example", "Origin": PAGE}
    status, _, headers = send_request(guarded.port, "POST", INFER, body, {**report, **AUTHORIZATION})
    assert status == 200 and headers["access-control-allow-origin"] == PAGE
    for given in ({"X-API-Key": KEY}, {"Authorization": f"bearer {KEY}"}, {"Authorization": f"BEARER  {KEY}"}):
        assert send_request(guarded.port, "POST", INFER, body, given)[0] == 200
    assert send_request(guarded.port, "POST", INFER, body, {"Authorization": "Basic eDp5", "X-API-Key": KEY})[0] == 200
    preflight = {**report, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert send_request(guarded.port, "OPTIONS", INFER, headers=preflight)[0] == 200


def test_page_shows_nothing_about_the_model_without_the_key(guarded: Served) -> None:
    """Given a service with a key, Then its page holds neither title nor kind nor name, which come with the key."""
    manifest = json.loads((guarded.folder / "manifest.json").read_text())
    status, page, _ = send_request(guarded.port, "GET", "/")
    assert (status, 'let facts = {"key": true};' in page) == (200, True)
    assert manifest["serving"]["name"] not in page
    assert send_request(guarded.port, "GET", "/page.json")[0] == 401
    status, facts, _ = send_request(guarded.port, "GET", "/page.json", headers=AUTHORIZATION)
    assert status == 200
    assert facts == {"name": "my-shop", "title": manifest["title"], "kind": manifest["serving"]["kind"]}


def serve(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-B", "serve.py", *options]
    return run_text(command, cwd=folder, timeout=60)


def version(served: Served) -> str:
    return send_request(served.port, "GET", "/v2", headers=AUTHORIZATION)[1]["version"]


def changed(bundle: Path, folder: Path, harm: str) -> Path:
    """A copy of a bundle that must not be taken."""
    shutil.copytree(bundle, folder)
    if harm == "other golden answers":
        answers = [{"answer": np.roll(one["answer"], 1, axis=-1)} for one in Prepared(folder / "golden" / "answers")]
        shutil.rmtree(folder / "golden" / "answers")
        write_prepared(folder / "golden" / "answers", answers)
        write_sums(folder)
    elif harm == "a changed file":
        (folder / "bundle.py").write_text("raise SystemExit('this ran')")
    elif harm == "a broken model":
        (folder / "model" / "model.onnx").write_bytes(b"no model")
        write_sums(folder)
    elif harm == "an import that is not there":
        (folder / "bundle.py").write_text("import not_a_package_of_anyone")
        write_sums(folder)
    elif harm == "no bundle":
        shutil.rmtree(folder)
    return folder


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("other golden answers", "gives other answers here"),
        ("a changed file", "bundle.py was changed"),
        ("a broken model", "does not run here"),
        ("an import that is not there", "not_a_package_of_anyone"),
        ("no bundle", "cannot be read as a folder"),
    ],
)
def test_it_stays_on_the_old_one(
    guarded: Served, item, cnn_bundle: Path, tmp_path: Path, harm: str, expected: str
) -> None:
    """Given a bundle that is changed, broken, gone, or answers otherwise, then it is refused with the reason, nothing of a
    changed one runs, and the one before answers on."""
    before = version(guarded)
    status, found = load(guarded, changed(cnn_bundle, tmp_path / "next", harm), AUTHORIZATION)
    assert status == 409 and expected in found["error"]
    assert version(guarded) == before
    assert send_request(guarded.port, "POST", INFER, request(item), AUTHORIZATION)[0] == 200


def test_another_interface_is_not_taken(guarded: Served, make_bundle) -> None:
    """Given a model with other inputs, then clients would get errors, so it is refused."""
    status, found = load(guarded, make_bundle("two_heads"), AUTHORIZATION)
    assert status == 409 and "other inputs or outputs" in found["error"]


@pytest.mark.parametrize("path", ["relative", "", None, 7, "/a\0b"])
def test_paths_that_are_none(guarded: Served, path: object) -> None:
    """Given no absolute path, then the protocol's error."""
    body = json.dumps({"parameters": {"path": path}}).encode()
    status, found, _ = send_request(guarded.port, "POST", LOAD, body, AUTHORIZATION)
    assert status == 400 and found["error"]


def test_the_command_changes_it_too(guarded: Served, key_file: Path, make_bundle) -> None:
    """Given `serve.py --switch FOLDER`, then the running service takes it; without the key it gives the reason."""
    options = ("--port", str(guarded.port), "--switch", str(make_bundle("cnn", knee=2)))
    done = serve(guarded.folder, *options, "--api-key-file", str(key_file))
    assert done.returncode == 0 and "now answers" in done.stdout, done.stderr
    refused = serve(guarded.folder, *options)
    assert refused.returncode == 3 and "the API key is missing or wrong" in refused.stderr


def test_sigterm_lets_begun_requests_finish(cnn_bundle: Path, item) -> None:
    """Given clients that send requests while SIGTERM comes, then each request that was begun is answered, and the exit code is 0."""
    served = start(cnn_bundle, "--cache-mb", "0")
    body = request(item)
    outcomes: list[object] = []

    def client() -> None:
        while True:
            try:
                outcomes.append(send_request(served.port, "POST", INFER, body)[0])
            except ConnectionRefusedError:
                return
            except OSError as error:
                outcomes.append(error)
                return

    clients = [threading.Thread(target=client) for _ in range(6)]
    for one in clients:
        one.start()
    while len(outcomes) < 50:
        time.sleep(0.01)
    served.process.send_signal(signal.SIGTERM)
    for one in clients:
        one.join()
    _, errors = served.process.communicate(timeout=60)
    assert (served.process.returncode, errors) == (0, "")
    assert {one for one in outcomes if isinstance(one, int)} == {200}
    # a connection that the kernel took and the server never saw is reset; it was not begun
    assert all(isinstance(one, int | ConnectionResetError) for one in outcomes)


UNUSABLE = [b"short", b"", b"\xff" * 20, b"two lines of\na key of letters", b"\xff\xfe key", None, "a folder"]


@pytest.mark.parametrize("content", UNUSABLE)
def test_key_that_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: object
) -> None:
    """Given a key that is short, empty, no text, a folder, or a file that is not there, when the service or a switch reads
    it, then exit code 2 in words."""
    key = tmp_path / "key"
    if isinstance(content, bytes):
        key.write_bytes(content)
    elif content:
        key.mkdir()
    for more in ((), ("--switch", str(tmp_path))):
        monkeypatch.setattr(sys, "argv", ["serve.py", "--api-key-file", str(key), *more])
        with pytest.raises(SystemExit, check=lambda error: error.code == 2):
            sys.exit(server.main())
        assert str(key) in capsys.readouterr().err


def test_taken_port_is_reported(served: Served, cnn_bundle: Path) -> None:
    """Given a port that another server has, then a sentence and exit code 3, and the other server lives on."""
    done = serve(cnn_bundle, "--port", str(served.port))
    assert done.returncode == 3 and f"port {served.port}" in done.stderr and "Traceback" not in done.stderr
    assert send_request(served.port, "GET", "/v2/health/ready")[0] == 200
