"""Control the page of the GPU doctor: run its checks at the first visit and on request."""

from app.controllers.gpu.presenter import gpu_value, report
from app.controllers.installing import Installing
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.words import error_value, wait_for_the_run
from app.services.machine.gpu_doctor import Ladder, examine
from app.services.machine.optional_sets import Installer
from widgets.pages.gpu.page import GpuPage
from widgets.parts.installing.value import SetValue
from workers.contracts.error_info import ErrorInfo
from workers.contracts.gpu import GpuCard, TriedRung
from workers.contracts.optional_sets import OptionalSet
from workers.contracts.translation import _, in_chosen_language


class GpuController(PageController[GpuPage]):
    """Controller of the page GPU doctor; nothing is checked while versions are measured."""

    def __init__(self, context: ControllerContext, page: GpuPage, installer: Installer | None = None) -> None:
        """Create the controller; `installer` None means the program's own installer."""
        super().__init__(context, page)
        self._rows: list[TriedRung] = []
        self._cards: tuple[GpuCard, ...] = ()
        self._was_tried = False
        self._installing = Installing(context, page, self._sets, installer)
        self._installing.changed.connect(self._show)
        self._installing.installed.connect(self.start)
        page.again_requested.connect(self.start)
        page.card_chosen.connect(self._on_card)
        page.report_requested.connect(lambda: page.copy(report(self._cards, self._rows)))
        page.show_empty()

    def shown(self) -> None:
        """Run the checks at the first visit."""
        if not self._was_tried:
            self.start()

    def reshow(self) -> bool:
        """Show the stored findings, in the present language."""
        if super().reshow() or not self._was_tried:
            return self._job.is_busy
        self._show()
        return True

    def start(self) -> None:
        """Run all checks, from the lowest level."""
        if self._job.is_busy or self._installing.value is not None:
            return
        if self._flows.runs:
            self._page.show_error(wait_for_the_run(_("Try again when they are done.")))
            return
        self._was_tried, self._rows = True, []
        described = self._session.described
        self._cards = described.cards if described is not None else ()
        self._start(
            examine(self._on_row),
            self._on_done,
            title=_("Check the graphics cards"),
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
        )
        self._show()

    def _on_row(self, row: TriedRung) -> None:
        self._rows.append(row)
        with in_chosen_language():  # the flow calls it
            self._show()

    def _on_done(self, ladder: Ladder) -> None:
        self._cards, self._rows = ladder.cards, list(ladder.rungs)
        self._show()
        self._installing.weigh(*self._sets(), again=True)

    def _on_failed(self, error: ErrorInfo) -> None:
        self._was_tried = False
        self._page.show_error(error_value(error))

    def _on_cancelled(self) -> None:
        self._was_tried = False
        self._show()

    def _on_card(self, uuid: str) -> None:
        """Use this GPU from now on; running jobs stay on their GPU."""
        card = next(card for card in self._cards if card.uuid == uuid)
        self._settings.save(gpu_uuid=card.uuid, gpu_index=card.index)
        self._window.top.set_device(card.name)
        self._show()

    def _sets(self) -> tuple[OptionalSet, ...]:
        return tuple(dict.fromkeys(row.installs for row in self._rows if row.installs is not None))

    def _show(self) -> None:
        chosen, installing = self._settings.value.gpu_uuid or None, self._installing
        sets: dict[str, SetValue] = {
            name: value for name in self._sets() if (value := installing.set_value(name)) is not None
        }
        self._page.show_value(gpu_value(self._cards, self._rows, is_trying=self._job.is_busy, chosen=chosen, sets=sets))


CONTROLLER = ControllerSpec("gpu", GpuController)
