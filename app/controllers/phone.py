"""Control the dialog "Try it on a phone", which opens a page in the local network and shows what the phone measured."""

import time
from collections.abc import Callable
from dataclasses import replace

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.words import error_words
from app.domain.variant import Variant
from app.jobs.phone_page import PhonePage, local_addresses
from app.services.after.exporting import pick
from app.services.after.fitting import fitting
from app.services.after.phone import TARGET, open_page, phone_page
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import JobError
from app.services.records.after_run import add_phone
from app.services.records.facts import RunFacts, read_facts
from widgets.dialogs.phone import PhoneDialog, PhoneView
from widgets.pages.compare.page import ComparePage
from widgets.parts.format import ms
from widgets.timers import every
from workers.contracts.after.phone import BrowserFigures, PhoneState
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _

LOOK_MS, SILENT_S = 300, 60.0


class PhoneController(PageController[ComparePage]):
    """Controller of the dialog, owned by the page's controller; `_job` writes the bundle and opens the page.

    `on_measured()` is called after new figures were stored.
    """

    def __init__(self, context: ControllerContext, page: ComparePage, on_measured: Callable[[], None]) -> None:
        """Create the controller; a button of `page` opens the dialog."""
        super().__init__(context, page)
        self._on_measured = on_measured
        self._dialog: PhoneDialog | None = None
        self._phone: PhonePage | None = None
        self._facts: RunFacts | None = None
        self._wanted_id = ""
        self._version: Variant | None = None
        self._view = PhoneView("ask")
        self._signs, self._sign_s = 0, 0.0
        self._timer = every(self, LOOK_MS, self._on_tick)
        page.phone_requested.connect(self.show_dialog)
        context.session.described_changed.connect(self._on_described)

    def show_dialog(self, variant_id: str) -> None:
        """Ask before anything can be reached."""
        if self._session.run is None or self._must_wait(_("Then try it on a phone.")):
            return
        self._wanted_id = variant_id
        self._dialog = PhoneDialog(self._page.theme, self._window, self._open, self._go_to_export)
        self._dialog.finished.connect(self._on_closed)
        self._view = PhoneView("preparing", text=_("Looking at this computer…"))
        self._dialog.show_view(self._view)
        self._dialog.open()
        self._on_described()

    def _on_described(self) -> None:
        """Choose the version once it is known what this computer can write."""
        run, described = self._session.run, self._session.described
        if self._dialog is None or self._version is not None or run is None or described is None:
            return
        target = next((row for row in described.targets if row.id == TARGET), None)
        if target is None or not target.available:
            self._show(step="missing")
            return
        try:
            facts = self._facts = read_facts(self._session.workspace, run.id)
            wanted = pick(facts, self._wanted_id, None)
            version = self._version = fitting(target, facts, wanted)
        except JobError as error:
            self._show(step="failed", text=error_words(error.error))
            return
        self._phone, hosts = phone_page(self._session.workspace, facts), local_addresses()
        instead = _(wanted.title) if wanted != version else ""
        step = "ask" if hosts else "no_network"
        self._show(step=step, title=_(version.title), instead_of=instead, hosts=hosts)

    def stop(self) -> None:
        """Close the page because the window closes."""
        self._on_closed()

    def _show(self, **changes: object) -> None:
        if self._dialog is not None:
            self._view = replace(self._view, **changes)  # type: ignore[arg-type]
            self._dialog.show_view(self._view)

    def _open(self, host: str) -> None:
        hosts = local_addresses()
        if not hosts or self._facts is None or self._version is None or self._phone is None:
            self._show(step="no_network")
            return
        if self._view.step == "no_network":
            self._show(step="ask", hosts=hosts)
            return
        self._phone.close()
        self._show(step="preparing", text="", share=None)
        self._start(
            open_page(self._session.workspace, self._facts, self._version, self._phone, host), self._on_opened,
            title=_("Open a page for a phone"), on_failed=self._on_failed, observe=self._on_event,
        )  # fmt: skip
        self._timer.start()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress):
            self._show(text=_(event.stage))

    def _on_failed(self, error: ErrorInfo) -> None:
        self._show(step="failed", text=error_words(error))

    def _on_opened(self, _nothing: None) -> None:
        if self._phone is not None:
            self._signs = 0
            self._show(step="open", address=self._phone.address, left_s=int(self._phone.left_s))

    def _on_tick(self) -> None:
        """Show the state of the page."""
        page = self._phone
        if page is None or self._view.step not in ("open", "used"):
            return
        state = page.state()
        if state is not None and state.figures is not None:
            self._on_figures(state.figures)
        elif not page.is_open or state is None or state.state == "over":
            page.close()
            is_over = page.left_s < 1
            over = _("The ten minutes are over. The page is closed, and nobody can open it any more.")
            ended = _("The page has ended by itself, and nobody can open it any more.")
            self._show(step="failed", text=over if is_over else ended)
        elif state.state == "failed":
            page.close()
            text = _("{0} cannot start this model. The page is closed.").format(_browser(state.browser))
            self._show(step="failed", text=text)
        else:
            self._show_progress(state, int(page.left_s))

    def _show_progress(self, state: PhoneState, left_s: int) -> None:
        if state.signs != self._signs:
            self._signs, self._sign_s = state.signs, time.monotonic()
        if state.state == "open":
            self._show(left_s=left_s)
            return
        text = _("{0} has the page and measures it. Keep the page open there.").format(_browser(state.browser))
        if time.monotonic() - self._sign_s > SILENT_S:
            text = _("There is no sign of {0} for a minute. Open the page there again, or show a new code.")
            text = text.format(_browser(state.browser))
        share = state.done / state.total if state.done and state.total else None
        self._show(step="used", text=text, share=min(1.0, share) if share else None, left_s=left_s)

    def _on_figures(self, figures: BrowserFigures) -> None:
        assert self._version is not None
        add_phone(self._session.workspace.repositories, self._version.id, figures)
        times = _("One answer takes {0} (median of {1} measurements of {2} requests each).")
        alike = _("{0} of {1} test answers are alike.")
        rows = (
            times.format(ms(figures.median_ms), figures.n_times, figures.calls_each),
            alike.format(figures.n_alike, figures.n_predictions),
        )
        is_alike = figures.n_alike == figures.n_predictions
        self._show(step="measured", text=_browser(figures.browser), rows=rows, is_alike=is_alike)
        self._on_measured()

    def _go_to_export(self) -> None:
        if self._dialog is not None:
            self._dialog.reject()
        self._window.show_page("export")

    def _on_closed(self, _result: int = 0) -> None:
        self._timer.stop()
        self._job.drop()  # waits until a page that is just being opened is closed
        if self._phone is not None:
            self._phone.close()
        self._dialog = self._phone = self._version = None


def _browser(name: str) -> str:
    return name or _("The browser")
