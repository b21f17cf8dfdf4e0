"""Control the card of a project's web service on a page."""

import time

from PySide6.QtCore import QTimer

from app.controllers.commands import READ_LOG
from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.running import JobSlot
from app.controllers.words import error_words
from app.domain.choose import is_safe
from app.jobs.local_service import LocalService
from app.services.after.bundles import monitor
from app.services.after.serving import Figures, look, served_variant, start_service, stop_service, switch_service
from app.services.flow.background import Background
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts, read_facts
from widgets.parts.format import UNKNOWN, count, ms
from widgets.parts.page import Page
from widgets.parts.service.card import ServicePart, ServiceState, ServiceView
from widgets.timers import every
from workers.contracts.after.monitor import MonitorResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.paths import to_text
from workers.contracts.translation import _

LOOK_MS = 700
MONITOR_S = 30.0
"""Seconds between two looks for drift alarms, each of which reads the log in a worker."""


class ServingController(PageController[Page]):
    """Controller of the card, owned by its page; `_job` starts, stops and switches the service."""

    def __init__(self, context: ControllerContext, page: Page, part: ServicePart) -> None:
        """Create the controller and connect it to the part of its page."""
        super().__init__(context, page)
        self._part, self._monitoring = part, JobSlot(context.flows)
        self._looking: Background[tuple[Figures | None, str]] | None = None
        every(self, LOOK_MS, self._on_tick).start()
        part.filled.connect(self._show_later)
        part.wanted.connect(self._on_wanted)
        self._session.run_changed.connect(self._forget)
        self._forget()

    def _forget(self) -> None:
        self._facts: RunFacts | None = None
        self._figures: Figures = (0, 0, None)
        self._log = self._stage = ""
        self._monitored, self._monitored_s, self._alarms = 0, 0.0, UNKNOWN

    def _open(self) -> tuple[LocalService, RunFacts] | None:
        """Return the service of the open project and the facts of its run; None without a run."""
        run, project = self._session.run, self._session.project
        if run is None or project is None:
            return None
        try:
            self._facts = self._facts or read_facts(self._session.workspace, run.id)
        except JobError:
            return None
        return self._session.services.of(project.id), self._facts

    def _on_wanted(self, what: str, is_on: bool) -> None:
        opened = self._open()
        if opened is None:
            return
        (service, facts), space = opened, self._session.workspace
        if what == "monitor":
            self._commands.do(READ_LOG, to_text(service.figures_log))
        elif what in ("keeps", "has_key"):
            with space.writing():
                service.change(**{what: is_on})
        elif service.work:
            self._job.cancel()
        elif not is_on or not self._must_wait(_("Then start the service.")):
            begin = switch_service if what == "newer" else start_service if is_on else stop_service
            self._stage, title = "", _("Start the service") if is_on else ""
            self._start(
                begin(space, facts, service), lambda _done: self._show(), title=title, on_failed=self._on_failed,
                on_cancelled=self._show, observe=self._on_event,
            )  # fmt: skip
        self._show()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress):
            self._stage = _(event.stage)
            self._show()

    def _on_failed(self, error: ErrorInfo) -> None:
        opened = self._open()
        if opened is not None:
            opened[0].problem = error_words(error)
        self._show()

    def _on_tick(self) -> None:
        if self._looking is not None and self._looking.done:
            figures, log = self._looking.result()
            self._figures, self._log, self._looking = figures or self._figures, log.rstrip(), None
        opened = self._open() if self._page.isVisible() and not self._flows.is_timing else None
        if opened is not None and self._looking is None:
            service = opened[0]
            if service.record.pid or service.problem:
                self._looking = Background(lambda _stopped: look(service))
                self._look_for_alarms(service)
            self._show()

    def _look_for_alarms(self, service: LocalService) -> None:
        n_requests = self._figures[0]
        is_due = n_requests != self._monitored and time.monotonic() > self._monitored_s + MONITOR_S
        if is_due and not self._monitoring.is_busy and not self._flows.runs:
            self._monitored, self._monitored_s = n_requests, time.monotonic()
            flow = monitor(service.figures_log)
            self._start(flow, self._on_monitored, on_failed=lambda _error: None, slot=self._monitoring)

    def _on_monitored(self, result: MonitorResult) -> None:
        n_on = sum(alert.until is None and not alert.follows for alert in result.alerts)
        is_enough = result.drift.requests + result.drift.errors >= result.drift.needed
        self._alarms = count(n_on) if n_on or is_enough else UNKNOWN

    def _show_later(self) -> None:
        QTimer.singleShot(0, self, self._show)  # the page is just being filled

    def _show(self) -> None:
        opened = self._open()
        if opened is None:
            return
        (service, facts), (n_requests, n_errors, mean_ms) = opened, self._figures
        record, (state, text), note = service.record, self._state(opened[0]), service.problem
        if record.port != record.wanted_port and not note:
            note = _("Port {0} is used by another program, so the port is {1}.")
            note = note.format(record.wanted_port, record.port)
        counted = (count(n_requests), count(n_errors), ms(mean_ms), self._alarms)
        names = (_("Requests"), _("Errors"), _("Mean time"), _("Drift alarms"))
        variant = served_variant(facts)
        chips, is_older = tuple(zip(names, counted, strict=True)), record.version != variant.id
        if not (note or is_older or variant.is_baseline or is_safe(variant)):
            note = _("Its answers are not proven yet; Compare says what is missing.")
        self._part.show_value(
            ServiceView(
                state, text, note if state == "running" else "", service.address, chips, self._log,
                record.keeps, record.has_key, service.key, is_older,
            )
        )  # fmt: skip

    def _state(self, service: LocalService) -> tuple[ServiceState, str]:
        if service.work == "start":
            return "starting", self._stage or _("Starting…")
        if service.work == "stop":
            return "stopping", _("Stopping after the open requests…")
        if service.is_running:
            switching = _("Switching to the new version; the present one goes on answering.")
            return "running", switching if service.work else _("Running: “{0}”").format(service.record.title)
        ended = _("The service has ended by itself. The last lines of its log are below. Nothing is lost.")
        is_failed = service.problem or service.has_died
        return ("failed", service.problem or ended) if is_failed else ("stopped", "")
