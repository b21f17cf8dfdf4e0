"""The web service of a project: its bundle, its counters, and the switch to another version without a lost request."""

import dataclasses
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from finished_run import finished_space, write_picture
from flows import go, refusal

from app.jobs.local_service import LocalService
from app.jobs.outcome import read_tail
from app.paths import DataPaths
from app.services.after.serving import Services, look, start_service, switch_service
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts

ANSWER = "/v2/models/clothes-classifier/answer"


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    yield from finished_space(tmp_path)


@pytest.fixture
def service(space: Workspace) -> Iterator[LocalService]:
    made = Services(space.paths).of("p1")
    yield made
    made.stop()


def post(service: LocalService, body: bytes) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", service.record.port, timeout=60)
    connection.request("POST", ANSWER, body)
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


@pytest.mark.whole
def test_service_counts_requests_and_switches_without_losing_one(
    space: Workspace, service: LocalService, tmp_path: Path
) -> None:
    """Given a running service with callers, When it switches to another version, Then each request has an answer, and
    its page is still there; the counters show requests and errors, and the log no part of an input."""
    facts = read_facts(space, "r1")
    go(space, start_service(space, facts, service))
    assert (service.record.version, service.record.bundle) == ("v1", "v1")
    picture = write_picture(tmp_path / "boot.png", 3).read_bytes()
    assert post(service, b"words of a customer")[0] == 400
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            statuses.append(post(service, picture)[0])
            ended.wait(0.05)  # leaves the processor to the export

    callers = [threading.Thread(target=ask) for _ in range(2)]
    for caller in callers:
        caller.start()
    pid = service.record.pid
    other = dataclasses.replace(facts, run=dataclasses.replace(facts.run, recommended_variant_id=None))
    go(space, switch_service(space, other, service))
    ended.set()
    for caller in callers:
        caller.join()
    assert (service.record.version, service.record.bundle, service.record.pid) == ("v0", "v0", pid)
    assert len(statuses) > 10 and set(statuses) == {200}
    assert service.request("GET", "/")[0] == 200
    figures = look(service)[0]
    assert figures is not None and figures[2] is not None
    assert figures[:2] == (len(statuses) + 1, 1)
    assert "answer 400" in service.log.read_text()
    assert "customer" not in service.log.read_text()


@pytest.mark.whole
def test_damaged_bundle_does_not_start_and_says_why(space: Workspace, service: LocalService) -> None:
    """Given a bundle whose server is gone, When it is started, Then the error has its code, and nothing runs."""
    (service.bundles / "v1").mkdir(parents=True)
    refused = refusal(go, space, start_service(space, read_facts(space, "r1"), service))
    assert (refused.error.code, refused.exit_code) == ("service_not_started", 6)
    assert not service.is_running and not service.work and read_tail(service.log)
    assert list(service.bundles.iterdir()) == []


def test_deleted_project_leaves_no_files_of_its_service(tmp_path: Path) -> None:
    """Given the files of a service, When its project is deleted, Then they are gone, and closing needs none of them."""
    services = Services(DataPaths(tmp_path))
    services.of("p1").change(wanted_port=8000)
    services.remove("p1")
    services.leave()
    assert list((tmp_path / "services").iterdir()) == []
