"""The process of a local web service: its walls, its port, its log, its end, and what is found after a restart."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from jobs_bench import made_card_set

from app.jobs.local_service import LocalService
from app.jobs.outcome import read_tail
from workers.contracts.process.messages import Limits
from workers.runtime.serving import MOST_LOG_BYTES

PLANTED = "a text of a customer"
SERVER = f"""
import argparse, contextlib, http.server, importlib.util, json, logging, socket, threading
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("--fd", "--threads"):
    parser.add_argument(name, type=int)
parser.add_argument("--log")
parser.add_argument("--api-key-file")
options = parser.parse_args()

def attempt(work):
    try:
        work()
    except OSError as error:
        return error.errno
    return 0

def report():
    elsewhere = Path(__file__).parents[3] / "elsewhere"
    return {{
        "socket": attempt(lambda: socket.socket()),
        "connect": attempt(lambda: socket.create_connection(("127.0.0.1", 1))),
        "listen": attempt(lambda: socket.create_server(("127.0.0.1", 0))),
        "write": attempt(lambda: elsewhere.write_text("x")),
        "log": attempt(lambda: (Path(options.log) / "figures").write_text("x")),
        "onnxruntime": importlib.util.find_spec("onnxruntime").origin,
        "key": Path(options.api_key_file).read_text() if options.api_key_file else "",
    }}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in ("/log", "/errors"):
            try:
                raise ValueError("{PLANTED}")
            except ValueError as error:
                logging.getLogger("fettle").error("answer failed", exc_info=error)
                logging.getLogger("asyncio").error("Task %r", error, exc_info=error)
            thread = threading.Thread(target=int, args=("{PLANTED}",))
            thread.start()
            thread.join()
            for _ in range(3000 if self.path == "/log" else 0):
                logging.getLogger("fettle").info("answer 200, 1.0 ms " + 200 * ".")
        body = json.dumps(report()).encode()
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

listener = socket.socket(fileno=options.fd)
while True:
    connection, place = listener.accept()
    with contextlib.suppress(BrokenPipeError):  # on a busy computer, a client that waits for a second has gone
        Handler(connection, place, None)
    connection.close()
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LocalService]:
    """A service whose bundle is a plain server that tries what the walls forbid."""
    made = LocalService(tmp_path / "service")
    for name, text in (
        ("good", SERVER),
        ("bad", "raise SystemExit('no model')"),
        ("slow", "import time; time.sleep(60)"),
    ):
        (made.bundles / name).mkdir(parents=True)
        (made.bundles / name / "serve.py").write_text(text)
    yield made
    made.stop()


def begin(service: LocalService, bundle: str = "good") -> bool:
    return service.start("v1", bundle, "Faster", 1, Limits(), lambda: False)


def seen(service: LocalService, path: str = "/v2/health/ready") -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", service.record.port, timeout=10)
    connection.request("GET", path)
    document = json.loads(connection.getresponse().read())
    connection.close()
    return document


@pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")
def test_service_accepts_connections_and_can_open_none(service: LocalService, tmp_path: Path) -> None:
    """Given a started service, Then it answers on the socket that it was handed, opens no other, connects to nowhere,
    and writes its own log alone."""
    assert begin(service)
    found = seen(service)
    assert 0 not in (found["socket"], found["connect"], found["listen"], found["write"])
    assert found["log"] == 0 and not (tmp_path / "elsewhere").exists()
    assert (service.record.pid, service.record.version) == (service.record.pid, "v1") and service.is_running


def test_service_for_a_card_imports_its_set_before_the_base(
    service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the set “cuda” in a folder of its own, Then only a service whose version uses a card imports from there."""
    made = made_card_set(tmp_path / "sets", monkeypatch)
    for uses_card in (True, False):
        assert service.start("v1", "good", "Faster", 1, Limits(gpu=uses_card), lambda: False)
        assert Path(str(seen(service)["onnxruntime"])).is_relative_to(made) == uses_card
        service.stop()


def test_service_with_proxy_variables_and_key_starts(service: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given variables of a proxy without a listener and the choice of a key, Then it starts and knows the key."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    service.change(has_key=True)
    assert begin(service) and len(service.key) >= 16
    assert seen(service)["key"] == service.key


def test_log_stays_small_and_holds_no_input(service: LocalService) -> None:
    """Given errors about an input and thousands of lines, Then the log is bounded and holds no part of the input."""
    assert begin(service)
    seen(service, "/log")
    log = service.log
    assert log.stat().st_size <= MOST_LOG_BYTES + 1000
    assert read_tail(service.log).endswith(".\n") and len(read_tail(service.log)) > 1000
    assert PLANTED not in log.read_text()


def test_errors_in_log_are_named_by_type_and_place(service: LocalService) -> None:
    """Given errors of the server, of asyncio and of a thread, Then their types and places are logged."""
    assert begin(service)
    seen(service, "/errors")
    text = service.log.read_text()
    assert "answer failed: ValueError in serve.py, line" in text and "A thread failed: ValueError" in text
    assert PLANTED not in text


def test_bundle_that_fails_at_its_start_is_refused(service: LocalService) -> None:
    """Given a bundle that fails while it starts, Then the start is refused, and the log shows the reason."""
    assert not begin(service, "bad")
    assert "no model" in read_tail(service.log) and not service.is_running and service.record.pid == 0


def test_start_that_is_stopped_leaves_no_process(service: LocalService) -> None:
    """Given a start, When it is stopped before the service answers, Then nothing runs, and nothing counts as failed."""
    with pytest.raises(InterruptedError):
        service.start("v1", "slow", "Faster", 1, Limits(), lambda: True)
    assert not service.is_running and not service.has_died


def test_taken_port_gives_the_next_and_stays_wanted(service: LocalService) -> None:
    """Given a port of another program, Then the next free one is used; the project's port is used once it is free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        service.change(wanted_port=taken)
        assert begin(service) and service.record.port != taken
        service.stop()
    assert begin(service) and service.record.port == service.record.wanted_port == taken


def test_closing_stops_it_unless_it_is_kept(service: LocalService) -> None:
    """Given a running service, When the program lets go of it, Then it ends; a kept one runs on, is found by the next
    program, and is stopped there."""
    assert begin(service)
    first = psutil.Process(service.record.pid)
    service.leave()
    assert not psutil.wait_procs([first], timeout=15)[1]
    assert not LocalService(service.folder).is_running and not LocalService(service.folder).has_died

    assert begin(service)
    service.change(keeps=True)
    kept = psutil.Process(service.record.pid)
    service.leave()
    found = LocalService(service.folder)
    assert found.is_running and seen(found)["log"] == 0
    found.stop()
    assert not kept.is_running() or kept.status() == psutil.STATUS_ZOMBIE


def test_killed_service_has_died(service: LocalService) -> None:
    """Given a running service, When its process is killed, Then it counts as ended by itself."""
    assert begin(service) and not service.has_died
    psutil.Process(service.record.pid).kill()
    assert not psutil.wait_procs([psutil.Process(service.record.pid)], timeout=10)[1]
    assert service.has_died and not service.is_running


def test_foreign_process_with_recorded_id_is_never_ended(service: LocalService) -> None:
    """Given a record with the id and the start time of another program, When it is stopped, Then that one lives."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        started_s = psutil.Process(other.pid).create_time()
        service.change(pid=other.pid, started_s=started_s, keeps=True)
        found = LocalService(service.folder)
        assert not found.is_running and found.has_died
        found.stop()
        service.change(pid=os.getpid(), started_s=0.0)
        LocalService(service.folder).leave()
        assert other.poll() is None
        other.communicate(b"\n")
