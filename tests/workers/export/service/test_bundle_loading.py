"""Who may have a running service load another bundle, and what a client hears of it."""

import gc
import http.server
import json
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import onnxruntime
import pytest
from run_text import run_text
from served_bundles import KEY, Served, load

from workers.export.service.bundle_files.fettle_service import secret, service
from workers.export.service.bundle_files.fettle_service.limits import Limits
from workers.export.service.bundle_files.fettle_service.loading import NoService, NotLoaded, request_load, version_of
from workers.export.service.bundle_files.fettle_service.places import FolderRefused
from workers.export.service.bundle_files.fettle_service.releases import check_sums
from workers.pipeline.golden import write_sums


@pytest.fixture
def other(cnn_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that leaves a mark when its code runs."""
    folder = shutil.copytree(cnn_bundle, tmp_path / "other")
    code = folder / "bundle.py"
    code.write_text(f"{code.read_text()}\nPath({str(tmp_path / 'mark')!r}).write_text('ran')\n")
    write_sums(folder)
    return folder


FORWARDED = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"}


@pytest.mark.parametrize("headers", [{}, FORWARDED, {"Authorization": "Bearer x"}, {"X-API-Key": ""}])
def test_load_without_the_secret_is_refused(
    uncached: Served, other: Path, tmp_path: Path, headers: dict[str, str]
) -> None:
    """Given a client of this computer, as behind a reverse proxy, without the secret, Then its bundle's code never runs."""
    assert load(uncached, other, headers)[0] == 401
    assert not (tmp_path / "mark").exists()


def test_load_with_the_secret_runs_the_bundle(uncached: Served, other: Path, cnn_bundle: Path, tmp_path: Path) -> None:
    """Given the secret, as Bearer or as X-API-Key, Then the bundle is loaded."""
    token = uncached.secret_file.read_text()
    assert load(uncached, other, {"Authorization": f"bearer {token}"})[0] == 200
    assert (tmp_path / "mark").exists()
    assert load(uncached, cnn_bundle, {"X-API-Key": token})[0] == 200


def test_secret_is_readable_by_its_account_alone(uncached: Served) -> None:
    """Given a started service, Then its file has mode 0600 in a folder of mode 0700, and 256 bits."""
    assert stat.S_IMODE(uncached.secret_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(uncached.secret_file.parent.stat().st_mode) == 0o700
    assert len(uncached.secret_file.read_text()) == 43
    assert [path.name for path in uncached.secret_file.parent.iterdir()] == [f"{uncached.port}.secret"]


def test_program_and_bundle_know_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    text = secret.write_secret(8000)
    assert secret.read_secret(secret.secret_file(8000)) == text
    newer = secret.write_secret(8000)
    secret.remove_secret(8000, text)  # an older service stops
    assert secret.read_secret(secret.secret_file(8000)) == newer != text
    secret.remove_secret(8000, newer)
    assert secret.read_secret(secret.secret_file(8000)) == ""


def test_secret_is_not_written_where_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / secret.FOLDER).mkdir(parents=True)
    (tmp_path / secret.FOLDER).chmod(0o777)
    with pytest.raises(RuntimeError):
        secret.write_secret(8000)
    assert list((tmp_path / secret.FOLDER).iterdir()) == []


def test_service_without_a_home_loads_nothing(cnn_bundle: Path, other: Path, tmp_path: Path) -> None:
    """Given a home folder that is none, Then the service starts with a note, and nobody can load anything."""
    (tmp_path / "home").write_text("a file")
    code = "import os,sys,runpy; os.environ['HOME']=sys.argv.pop(1); runpy.run_path('serve.py', run_name='__main__')"
    command = [sys.executable, "-I", "-B", "-c", code, str(tmp_path / "home"), "--port", "0", "--threads", "1"]
    with subprocess.Popen(
        command, cwd=cnn_bundle, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split(" ")[0])
        served = Served(cnn_bundle, port, process, line, tmp_path)
        statuses = [load(served, other, {"Authorization": f"Bearer {token}"})[0] for token in ("", "None")]
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert statuses == [401, 401]
    assert process.returncode == 0
    assert "--api-key-file" in errors and "Traceback" not in errors


def test_switch_command_reads_the_secret(uncached: Served, cnn_bundle: Path, tmp_path: Path) -> None:
    """Given `serve.py --switch` by the same account, Then it needs no option; by another, it is refused."""
    command = [sys.executable, "-I", "-B", "serve.py", "--port", str(uncached.port), "--switch", str(cnn_bundle)]
    own = subprocess.run(command, cwd=cnn_bundle, env=uncached.environment, capture_output=True, check=False)
    assert own.returncode == 0
    strange = {**uncached.environment, "HOME": str(tmp_path)}
    other = run_text(command, cwd=cnn_bundle, env=strange)
    assert (other.returncode, "secret" in other.stderr) == (3, True)


def test_folder_that_others_can_change_is_not_loaded(uncached: Served, other: Path, tmp_path: Path) -> None:
    """Given the secret and a folder in which another account can change something, Then none of its code runs."""
    (other / "model" / "model.onnx").chmod(0o666)
    assert load(uncached, other)[0] == 409
    assert not (tmp_path / "mark").exists()


def test_link_that_changes_after_the_sums_were_read_leads_nowhere(
    cnn_bundle: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a link that leads to a good bundle until its sums were read, and then to a changed one, Then the good bundle is
    what is loaded."""
    link = tmp_path / "link"
    link.symlink_to(cnn_bundle)

    def read_and_change(release: object, folder: Path) -> None:
        check_sums(release, folder)
        link.unlink()
        link.symlink_to(other)

    monkeypatch.setattr(service, "check_sums", read_and_change)
    running = service.Service(cnn_bundle, 1, Limits())
    before = running.current
    running.switch(link, threading.Event())
    assert running.current is not before
    assert running.current.folder == cnn_bundle.resolve()
    assert not (tmp_path / "mark").exists()
    running.close()
    running.current.retire()


@pytest.fixture
def alone(cnn_bundle: Path) -> Iterator[service.Service]:
    """Return a service in this process, without HTTP."""
    made = service.Service(cnn_bundle, 1, Limits(answer_s=0.2))
    yield made
    made.close()
    made.current.retire()


def test_change_is_done_while_the_older_bundle_still_answers(alone: service.Service, cnn_bundle: Path) -> None:
    """Given a bundle that answers for minutes more, When another takes over, Then the client hears of it at once; the next
    change is refused until the older bundle has ended."""
    older = alone.current
    older.take()
    assert alone.switch(cnn_bundle, threading.Event()) == older.version
    assert alone.current is not older
    with pytest.raises(FolderRefused, match="still answers"):
        alone.switch(cnn_bundle, threading.Event())
    older.give_back()
    alone.switch(cnn_bundle, threading.Event())


def test_change_whose_client_has_gone_is_not_made(alone: service.Service, cnn_bundle: Path) -> None:
    """Given a client that left while the bundle was loaded, Then it reported a failure, and nothing is changed."""
    given_up, older = threading.Event(), alone.current
    given_up.set()
    with pytest.raises(FolderRefused):
        alone.switch(cnn_bundle, given_up)
    assert alone.current is older


@pytest.mark.parametrize("harm", ["golden answers are missing", "number of a batch"])
def test_bundle_that_fails_late_leaves_nothing_in_memory(
    alone: service.Service, cnn_bundle: Path, tmp_path: Path, harm: str
) -> None:
    """Given a bundle whose model opens and that fails after that, Then neither its session nor its modules stay."""
    folder = tmp_path / "late"
    shutil.copytree(cnn_bundle, folder)
    if harm == "number of a batch":
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["serving"]["max_batch"] = "many"
        (folder / "manifest.json").write_text(json.dumps(manifest))
    else:
        shutil.rmtree(folder / "golden" / "answers")
    write_sums(folder)
    before = opened()
    with pytest.raises(FolderRefused):
        alone.switch(folder, threading.Event())
    assert opened() == before


def opened() -> tuple[int, int]:
    """(sessions of ONNX Runtime, modules of bundles) in this process."""
    gc.collect()
    of_it = gc.get_referrers(onnxruntime.InferenceSession)  # each has a reference to its class; all objects take 1 s
    sessions = sum(isinstance(one, onnxruntime.InferenceSession) for one in of_it)
    return sessions, sum(name.startswith("fettle_release_") for name in sys.modules)


class Slow(http.server.BaseHTTPRequestHandler):
    """A service that loads for longer than its client waits."""

    version, loaded = "", ""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).loaded = self.version
        self.connection.recv(1)  # the client leaves

    def do_GET(self) -> None:
        content = json.dumps({"version": self.loaded}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("is_loaded", [True, False])
def test_client_after_a_timeout_reports_the_actual_version(cnn_bundle: Path, is_loaded: bool) -> None:
    """Given a service that answers too late, Then its version shows whether the bundle was loaded."""
    expected = version_of((cnn_bundle / "manifest.json").read_bytes())

    class Service(Slow):
        version = expected if is_loaded else "another"

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        if is_loaded:
            assert request_load("127.0.0.1", port, "my-shop", cnn_bundle, KEY, 0.3) == expected
        else:
            with pytest.raises(NotLoaded):
                request_load("127.0.0.1", port, "my-shop", cnn_bundle, KEY, 0.3)
        server.shutdown()


def test_nothing_at_the_address_is_no_service(cnn_bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoService):
        request_load("127.0.0.1", port, "my-shop", cnn_bundle, "")
