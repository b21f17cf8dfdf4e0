"""Control the card of a project's web service on a page."""

import time
from typing import Any

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices

from app.controllers.commands import READ_LOG
from app.controllers.page_controller import ControllerContext, PageController
from app.jobs.local_service import LocalService
from app.services.after.bundles import monitor
from app.services.after.serving import (
    ServiceFigures,
    read_figures,
    served_variant,
    start_service,
    stop_service,
    switch_service,
)
from app.services.flow.background import Background
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import Flow, JobError
from app.services.records.facts import RunFacts, read_facts
from widgets.parts.format import UNKNOWN, count, ms
from widgets.parts.page import Page
from widgets.parts.service.card import ServicePart, ServiceState, ServiceView
from workers.contracts.after.monitor import MonitorResult
from workers.contracts.errors import ErrorInfo
from workers.contracts.paths import to_text
from workers.contracts.translation import _

LOOK_MS = 700
MONITOR_S = 30.0
"""Seconds between two looks for drift alarms, each of which reads the log in a worker."""


class ServingController(PageController[Page]):
    """Controller of the card; `_job` starts, stops and switches the service. The page's controller owns it."""

    def __init__(self, context: ControllerContext, page: Page, part: ServicePart) -> None:
        """Create the controller and connect it to the part of its page."""
        super().__init__(context, page)
        self._part = part
        self._facts: RunFacts | None = None
        self._looking: Background[tuple[ServiceFigures | None, str]] | None = None
        self._seen, self._log = ServiceFigures(), ""
        self._alarms: tuple[int, float, int | None] = (0, 0.0, None)  # requests and time at the last look, alarms
        self._monitoring = type(self._job)(context.flows)
        self._stage = ""
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()
        part.shown_changed.connect(self._show)
        part.switched.connect(self._on_switched)
        part.keep_chosen.connect(lambda keeps: self._change(keeps=keeps))
        part.key_chosen.connect(lambda has_key: self._change(has_key=has_key))
        part.newer_wanted.connect(self._on_newer)
        part.browser_wanted.connect(self._on_browser)
        part.monitor_wanted.connect(self._on_monitor)
        self._session.run_changed.connect(self._on_run_changed)

    @property
    def _service(self) -> LocalService | None:
        project = self._session.project
        return None if project is None else self._session.services.of(project.id)

    def _on_run_changed(self) -> None:
        self._facts = None
        self._seen, self._log, self._alarms = ServiceFigures(), "", (0, 0.0, None)

    def _read_facts(self) -> RunFacts | None:
        run = self._session.run
        if self._facts is None and run is not None:
            try:
                self._facts = read_facts(self._session.workspace, run.id)
            except JobError:
                return None
        return self._facts

    # --- what a person does

    def _on_switched(self, is_on: bool) -> None:
        service, facts = self._service, self._read_facts()
        if service is None or facts is None:
            return
        if not is_on:
            self._run(stop_service(service))
        elif self._must_wait(_("Then start the service.")):
            self._show()
        else:
            self._run(start_service(self._session.workspace, facts, service), _("Start the service"))

    def _on_newer(self) -> None:
        service, facts = self._service, self._read_facts()
        if service is not None and facts is not None and not self._must_wait(_("Then switch to the new version.")):
            flow = switch_service(self._session.workspace, facts, service)
            self._run(flow, _("Switch the service to the new version"))

    def _run(self, flow: Flow[None], title: str = "") -> None:
        self._start(
            flow, lambda _done: self._show(), title=title, on_failed=self._on_failed, on_cancelled=self._show,
            observe=self._on_event,
        )  # fmt: skip
        self._stage = ""
        self._show()

    def _change(self, **changes: Any) -> None:
        service = self._service
        if service is not None:
            with_keep = changes.get("keeps")
            try:
                service.change(**changes) if with_keep is None else service.keep(with_keep)
            except OSError as error:
                service.problem = str(error)
        self._show()

    def _on_browser(self) -> None:
        if self._service is not None:
            QDesktopServices.openUrl(QUrl(self._service.address))

    def _on_monitor(self) -> None:
        if self._service is not None:
            self._commands.do(READ_LOG, to_text(self._service.figures_log))

    # --- what it sees

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress):
            self._stage = event.stage
            self._show()

    def _on_failed(self, error: ErrorInfo) -> None:
        if self._service is not None:
            self._service.problem = f"{error.title}. {error.detail} {error.hint}"
        self._show()

    def _on_tick(self) -> None:
        if self._looking is not None:
            if not self._looking.done:
                return
            seen, self._log = self._looking.result()
            self._seen, self._looking = seen or self._seen, None
            self._look_for_alarms()
            self._show()
        service = self._service
        if service is None or not self._part.is_visible or self._flows.is_timing:
            return
        if service.record.pid or service.problem:
            self._looking = Background(lambda _stopped: (read_figures(service), service.log_tail()))
        self._show()

    def _look_for_alarms(self) -> None:
        requests, at_s, known = self._alarms
        service = self._service
        is_due = self._seen.requests != requests and time.monotonic() > at_s + MONITOR_S
        if service is not None and is_due and not self._monitoring.is_busy and not self._flows.runs:
            self._alarms = (self._seen.requests, time.monotonic(), known)
            flow = monitor(service.figures_log)
            self._start(flow, self._on_monitored, on_failed=lambda _error: None, slot=self._monitoring)

    def _on_monitored(self, result: MonitorResult) -> None:
        on = sum(alert.until is None and not alert.follows for alert in result.alerts)
        self._alarms = (*self._alarms[:2], on)
        self._show()

    def _state(self, service: LocalService) -> ServiceState:
        if service.is_starting:
            return "starting"
        if service.is_running:
            return "stopping" if self._job.is_busy and not service.is_switching else "running"
        return "failed" if service.problem or service.has_died else "stopped"

    def _show(self) -> None:
        service, facts = self._service, self._read_facts()
        if service is None or facts is None:
            return
        state, record = self._state(service), service.record
        seen, alarms = self._seen, self._alarms[2]
        moved = _("Port {0} is used by another program, so the port is {1}.").format(record.wanted_port, record.port)
        variant = served_variant(facts)
        self._part.show_value(
            ServiceView(
                state=state,
                text=self._text(state, service),
                note=moved if state == "running" and record.port != record.wanted_port else "",
                address=service.address,
                figures=(
                    (_("Requests"), count(seen.requests)),
                    (_("Errors"), count(seen.errors)),
                    (_("Mean time"), ms(seen.mean_ms)),
                    (_("Drift alarms"), UNKNOWN if alarms is None else count(alarms)),
                ),
                log=self._log,
                keeps=record.keeps,
                has_key=record.has_key,
                key=service.key,
                newer=variant.title if record.version != variant.id else "",
            )
        )

    def _text(self, state: ServiceState, service: LocalService) -> str:
        if state == "starting":
            return self._stage or _("Starting…")
        if state == "failed":
            ended = _("The service has ended by itself. The last lines of its log are below. Nothing is lost.")
            return service.problem or ended
        if state == "stopping":
            return _("Stopping after the open requests…")
        if state == "running":
            switching = _("Switching to the new version; the present one goes on answering.")
            return switching if service.is_switching else _("Running: “{0}”").format(service.record.title)
        return ""

    def stop(self) -> None:
        """Stop looking, because the window closes."""
        self._timer.stop()
        if self._looking is not None:
            self._looking.stop()
