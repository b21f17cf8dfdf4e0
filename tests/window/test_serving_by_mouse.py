"""The web service of a project is started, asked, kept over a close, found again and stopped, by a real mouse."""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest
import tritonclient.http as triton
from finished_run import finished_folder, write_picture
from rig import Program, Start
from spaces import opened_space

from workers.pipeline.prepared import Prepared

START_S = 120
PROXY = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
"""A proxy at which nobody listens."""


def record(home: Path) -> dict[str, object]:
    """Return the state file of the project's service."""
    return json.loads((home / "data" / "services" / "p1" / "service.json").read_text())


@pytest.fixture
def services_end(tmp_path: Path) -> Iterator[None]:
    """End a service that a failed test leaves running."""
    yield
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(tmp_path / "home" / "data" / "services") in word for word in process.cmdline()):
                process.kill()


def open_try(program: Program) -> None:
    """Open Try it of the project that the start opens."""
    program.until_ready()
    program.keys("ctrl+6")
    program.until_page("try", "full")
    program.until_text("Waiting for an input.")


def scroll_down(program: Program) -> None:
    """Scroll to the end of the page, where the card is."""
    program.screen.do("mousemove", 800, 500, "click", "--repeat", 30, "--delay", 10, 5)


def switch(program: Program, caption: str) -> None:
    """Press the switch of the service, or a box below it."""
    scroll_down(program)
    program.click(lambda view: view.find(caption, "QCheckBox"), caption)


def port_of(home: Path) -> int:
    return int(str(record(home)["port"]))


def recommend_another(home: Path) -> None:
    """Add a later run of the project, which recommends a version of its own."""
    with opened_space(home / "data") as space:
        runs, variants = space.repositories.runs, space.repositories.variants
        earlier = runs.get("r1")
        ids = {"baseline_variant_id": "newer-v0", "recommended_variant_id": "newer-v1"}
        runs.add(replace(earlier, id="r2", created_at=earlier.created_at + timedelta(days=1), **ids))
        for one in variants.list(run_id="r1"):
            title = "Newer engine" if one.id == "v1" else one.title
            variants.add(replace(one, id=f"newer-{one.id}", run_id="r2", title=title))


@contextlib.contextmanager
def asking(port: int, path: str, picture: bytes) -> Iterator[list[int]]:
    """Send requests one after the other meanwhile, with pauses that leave the processor to the export; yields their statuses."""
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", path, picture)
            statuses.append(connection.getresponse().status)
            connection.close()

    caller = threading.Thread(target=ask)
    caller.start()
    try:
        yield statuses
    finally:
        ended.set()
        caller.join()


def service(home: Path) -> psutil.Process:
    return psutil.Process(int(str(record(home)["pid"])))


@pytest.mark.whole
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("services_end")
def test_service_is_started_again_asked_kept_found_again_switched_and_stopped(start: Start, tmp_path: Path) -> None:
    """Given a finished run, a proxy without a listener and a taken port, When the switch is pressed, Then the service runs;
    When its process is killed, Then the card says so with the log and offers another start; a client and a plain request
    get answers and are counted; it survives a close and is found again; When a later run recommends another version, Then
    one click lets the same process answer with that, without losing a request; the switch ends it. A service that is not
    kept ends with the program, even if that is killed."""
    home = finished_folder(tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        state = home / "data" / "services" / "p1"
        state.mkdir(parents=True)
        (state / "service.json").write_text(json.dumps({"wanted_port": taken}))
        program = start(project="p1", **PROXY)
        open_try(program)
        switch(program, "Start the service")
        program.until_text("Running: “Faster engine”", f"Port {taken} is used by another program", limit_s=START_S)
        assert port_of(home) != taken
    service(home).kill()
    scroll_down(program)
    program.until_text("The service has ended by itself.", "Start it again", "Log of the service")
    switch(program, "Start it again")
    program.until_text("Running: “Faster engine”", limit_s=START_S)
    port = port_of(home)
    client = triton.InferenceServerClient(f"127.0.0.1:{port}")
    name = client.get_model_repository_index()[0]["name"]
    ((entry, values),) = Prepared(state / "bundles" / "v1" / "golden" / "inputs")[0].items()
    given = triton.InferInput(entry, list(values.shape), "FP32")
    given.set_data_from_numpy(np.array(values, np.float32))
    assert client.infer(name, [given]).get_response()["outputs"]
    client.close()
    picture, path = write_picture(tmp_path / "boot.png", 3).read_bytes(), f"/v2/models/{name}/answer"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, picture)
    assert connection.getresponse().status == 200
    connection.close()
    scroll_down(program)
    program.until_text("Requests\n2", "Errors\n0", "Log of the service")
    log = (state / "service.log").read_text()
    assert "infer 200, " in log and "answer 200, " in log

    switch(program, "Keep it running")
    program.wait(lambda: record(home)["keeps"], 5, "the choice")
    served = service(home)
    program.keys("ctrl+q")
    assert program.process.wait(60) == 0
    assert served.is_running()
    recommend_another(home)
    program = start(project="p1", **PROXY)
    open_try(program)
    scroll_down(program)
    program.until_text("Running: “Faster engine”", "Requests\n2", f"http://127.0.0.1:{port}")
    with asking(port, path, picture) as statuses:
        program.press("Switch to the new version")
        program.until_text("Running: “Newer engine”", limit_s=START_S)
        n_before = len(statuses)
        program.wait(lambda: len(statuses) > n_before + 3, 30, "answers after the switch")
    assert set(statuses) == {200} and service(home) == served
    assert (record(home)["version"], program.see().button("Switch to the new version")) == ("newer-v1", None)
    switch(program, "Service is on")
    program.wait(lambda: not served.is_running(), 30, "the end of the service")
    program.until(lambda view: view.find("Start the service", "QCheckBox"), 10, "the switch that is off")
    program.check_clean()

    switch(program, "Start the service")
    program.until_text("Running: “Newer engine”", limit_s=START_S)
    switch(program, "Keep it running")
    program.wait(lambda: not record(home)["keeps"], 5, "the choice")
    served = service(home)
    program.process.kill()
    program.process.wait(10)
    _, alive = psutil.wait_procs([served], timeout=60)
    assert not alive
