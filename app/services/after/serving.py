"""Run the proven version of a project as a web service of this computer, from the project's own bundle *Service*."""

import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.variant import Variant
from app.jobs.local_service import LocalService, Work
from app.jobs.outcome import read_tail
from app.paths import DataPaths
from app.services.after.exporting import ExportRequest, Written, pick, target_of, write_tested
from app.services.after.fitting import fitting
from app.services.flow.background import Stopped
from app.services.flow.steps import DiskStep, Flow, JobError, Unavailable
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.records.decisions import record_decision
from app.services.records.facts import RunFacts
from app.services.run.version_steps import stored_version, threads_of
from workers.contracts.decisions import Decision
from workers.contracts.translation import _, joined, mark

TARGET = "service"
ANSWERING = ("infer", "answer", "chat")
MOST_BYTES = 16 << 30
"""Largest size of an unpacked bundle."""
SUMS = ("count", "sum")
FAILED_FROM = 400
"""Lowest status of a request that counts as an error."""


Figures = tuple[int, int, float | None]
"""Requests and errors of a running service since its start, and the mean time until the answer in milliseconds."""


class Services:
    """The web services of all projects, found again by their records; owned by the window's session."""

    def __init__(self, paths: DataPaths) -> None:
        """Know the folder of services; nothing is read yet."""
        self._root = paths.services
        self._known: dict[str, LocalService] = {}

    def of(self, project_id: str) -> LocalService:
        """Return the service of a project, running or not."""
        if project_id not in self._known:
            self._known[project_id] = LocalService(self._root / project_id)
        return self._known[project_id]

    def remove(self, project_id: str) -> None:
        """Stop the service of a project that is deleted, and remove its files."""
        self.of(project_id).stop(wait_s=0.0)
        shutil.rmtree(self._root / project_id, ignore_errors=True)

    def leave(self) -> None:
        """Let go of all services because the program closes; those that are not kept stop."""
        for record in self._root.glob("*/service.json"):
            self.of(record.parent.name).leave()


def served_variant(facts: RunFacts) -> Variant:
    """Return the version to serve before its fit is known: the recommended one, else the original."""
    return facts.recommended or facts.baseline


def start_service(workspace: Workspace, facts: RunFacts, service: LocalService) -> Flow[None]:
    """Write and test the bundle of the proven version unless that was done, start it, and wait until it answers.

    Raises:
        JobError: The bundle cannot be written, or the service does not start.
    """
    with _working(service, "start"):
        variant = yield from _bundle(workspace, facts, service)
        version, wanted = stored_version(facts, variant), served_variant(facts).id
        own = {"card": workspace.card() if version.limits.gpu else None, "cpu_s": None}
        limits = workspace.limited(version.limits).model_copy(update=own)

        def start(stopped: Stopped) -> bool:
            answers = service.start(wanted, variant.id, variant.title, threads_of(facts), limits, stopped)
            for place in service.bundles.iterdir():  # a bundle that fails is written anew the next time
                if not answers or place.name != variant.id:
                    shutil.rmtree(place, ignore_errors=True)
            return answers

        try:
            if not (yield DiskStep(start)):
                raise _not_started(mark("It ended before it could answer; its log is below."))
        except OSError as error:
            raise _not_started(f"{error}.") from error


def switch_service(workspace: Workspace, facts: RunFacts, service: LocalService) -> Flow[None]:
    """Let the running service answer with the proven version of `facts`, without losing a request.

    The earlier bundle stays until the next start, since the server's own code runs from there.

    Raises:
        JobError: It stays with the present version.
    """
    with _working(service, "switch"):
        variant = yield from _bundle(workspace, facts, service)
        wanted = served_variant(facts).id
        try:
            refusal = yield DiskStep(lambda _stopped: service.switch(wanted, variant.id, variant.title))
        except (OSError, ValueError, KeyError) as error:
            refusal = f"{type(error).__name__}: {error}"
    if refusal:
        detail = joined([_("The earlier version goes on answering."), _(refusal)])
        hint = mark("Stop the service and start it again to use the new version.")
        raise Unavailable("service_not_switched", "The service keeps its version", detail, hint)


def stop_service(_workspace: Workspace, _facts: RunFacts, service: LocalService) -> Flow[None]:
    """Stop the service after its open requests."""
    with _working(service, "stop"):
        yield DiskStep(lambda _stopped: service.stop())


@contextmanager
def _working(service: LocalService, work: Work) -> Iterator[None]:
    service.work, service.problem = work, ""
    try:
        yield
    finally:
        service.work = ""


def _bundle(workspace: Workspace, facts: RunFacts, service: LocalService) -> Flow[Variant]:
    """Return the version that the service takes; its tested bundle lies unpacked in the service's folder."""
    machine = yield from describe()
    variant = fitting(target_of(machine, TARGET), facts, pick(facts, None, None))
    request, place = ExportRequest(variant.id, TARGET), service.bundles / variant.id
    decision = yield from unpacked(workspace, facts, request, place, _not_started)
    if decision is not None:
        record_decision(workspace.repositories, facts.project.id, decision)
    return variant


def unpacked(
    workspace: Workspace, facts: RunFacts, request: ExportRequest, place: Path, refused: Callable[[str], JobError]
) -> Flow[Decision | None]:
    """Write, test and unpack a bundle unless `place` exists, and return the decision to write it.

    Raises:
        JobError: The bundle cannot be written, or, made by `refused`, cannot be unpacked.
    """
    if place.is_dir():
        return None
    written: Written = yield from write_tested(workspace, facts, request)
    try:
        yield DiskStep(lambda stopped: unpack(written.path, place, stopped))
    except (OSError, zipfile.BadZipFile) as error:
        raise refused(_("Its bundle cannot be unpacked: {0}").format(error)) from error
    finally:
        written.forget()
    return written.decision


def unpack(bundle: Path, place: Path, stopped: Stopped) -> None:
    """Unpack a bundle; `place` exists only once it is complete. Raises OSError, BadZipFile and InterruptedError."""
    part = place.with_name(f"{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700, parents=True)
    with zipfile.ZipFile(bundle) as archive:
        if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
            raise zipfile.BadZipFile(mark("it holds more than a bundle can"))
        for member in archive.infolist():
            if stopped():
                raise InterruptedError("unpacking was stopped")
            archive.extract(member, part)  # removes ".." and drives from names, and writes no links
    part.replace(place)


def _not_started(detail: str) -> JobError:
    hint = mark("Start it again; if it happens twice, report it with its log.")
    detail = joined([_(detail), _("Nothing is lost.")])
    return Unavailable("service_not_started", "The service did not start", detail, hint)


def look(service: LocalService) -> tuple[Figures | None, str]:
    """Return the counters of a running service, None if it does not respond, and the end of its log."""
    from prometheus_client.parser import text_string_to_metric_families

    log = read_tail(service.log)
    status, content = service.request("GET", "/metrics") if service.is_running else (0, b"")
    if status != 200:
        return None, log
    families = text_string_to_metric_families(content.decode("utf-8", "replace"))
    own = [one for family in families for one in family.samples if one.labels.get("path") in ANSWERING]
    counts = [(int(one.labels["status"]), int(one.value)) for one in own if one.name == "fettle_requests_total"]
    count, seconds = (sum(one.value for one in own if one.name == f"fettle_request_seconds_{what}") for what in SUMS)
    errors = sum(number for status, number in counts if status >= FAILED_FROM)
    return (sum(number for _, number in counts), errors, 1e3 * seconds / count if count else None), log
