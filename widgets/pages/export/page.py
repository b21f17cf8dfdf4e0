"""Show the page Export: target, three questions, checks, preview of the model card, and one button."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from widgets.pages.export.cards import (
    DoneCard,
    MarkdownCard,
    QuestionsCard,
    ReasonCard,
    SignBox,
    TargetCards,
    fallback_row,
    prove_row,
)
from widgets.pages.export.value import ExportValue
from widgets.parts.buttons import GhostButton, PrimaryButton, TextButton
from widgets.parts.card import Card
from widgets.parts.cards.error import ErrorValue
from widgets.parts.cards.use_here import UseHereCard
from widgets.parts.for_developers import ForDevelopers
from widgets.parts.format import about
from widgets.parts.installing.row import InstallingPage
from widgets.parts.layout import LEFT, STRETCH, held, in_column, in_row
from widgets.parts.service.card import ServicePart
from widgets.parts.small import Bar, CheckList, CheckValue, PageHead
from widgets.parts.text import ElidedLabel, label
from widgets.theme import Theme
from widgets.timers import pause
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.bundles import ExportResult
from workers.contracts.specs import DescribedTarget
from workers.contracts.translation import _

ANSWER_PAUSE_MS = 350
CARD_WIDE_PX, CARD_NARROW_PX = 392, 296


class ExportPage(InstallingPage):
    """The page Export; `answers_changed` follows a typing pause, so that the model card is made again.

    Before `target_chosen`, after which the form is made again, it emits the answers and `reason_given`.
    """

    export_requested = Signal(object)  # ExportValue with all answers
    target_chosen = Signal(str)
    reason_given = Signal(str)
    fallback_chosen = Signal(bool)
    answers_changed = Signal(str, str, str)  # purpose, exclusions, contact
    path_chosen = Signal(str)
    open_folder_requested = Signal(str)
    read_card_requested = Signal()
    again_requested = Signal()
    link_clicked = Signal(str)
    sign_chosen = Signal(bool)
    release_requested = Signal()
    folder_requested = Signal()  # answer a folder with the exported version
    desktop_requested = Signal()
    phone_requested = Signal()  # measure the exported web page on a phone
    prove_requested = Signal()  # evaluate the version that the target could take

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Export"))
        self._value: ExportValue | None = None
        self.service = ServicePart(theme, self)
        self._questions: QuestionsCard | None = None
        self._reason: ReasonCard | None = None
        self._sign: SignBox | None = None
        self._card: MarkdownCard | None = None
        self._checks: CheckList | None = None
        self._path = ElidedLabel("")
        self._release = GhostButton(theme, "", "tag")
        self._export = PrimaryButton(theme, _("Export bundle"), "package")
        self._cancel = GhostButton(theme, _("Cancel"), "x")
        self._bar = Bar(_("Progress"))
        self._head = PageHead("")
        self._form: list[QWidget] = []
        self._pause = pause(self, ANSWER_PAUSE_MS, self._on_pause_over)

    # -- states --
    def show_empty(self) -> None:
        """Show that there is no version to export yet."""
        text = _("Once a version has been measured, export it here as one file that runs on its own.")
        self._card = None
        self._fill_empty("package", _("Nothing to export yet"), text, head=_("Take it with you"))

    def show_value(self, value: ExportValue) -> None:
        """Show the form; if only texts differ, it is updated in place."""
        same_form = self.state == "full" and self._value is not None and self._card is not None
        if same_form and self._only_texts_differ(value):
            self._value = value
            if self._card is not None and self._checks is not None:
                self._card.show_markdown(value.card)
                self._checks.show_values(value.checks)
            self._path.setText(value.path)
            return
        self._value = value
        self._head = self._full_head(value)
        self._bar = Bar(_("Progress"))
        self._bar.setProperty("tone", "page")
        self._bar.hide()
        self._fill("full", self._head, self._bar, (self._columns(self._form_column(value), value.card), 1))
        self._on_reason()

    def _full_head(self, value: ExportValue) -> PageHead:
        text = _("Export anyway") if value.reason_needed else _("Export bundle")
        self._export = PrimaryButton(self.theme, text, "package", on=self._on_export)
        self._cancel = GhostButton(self.theme, _("Cancel"), "x", on=self.cancel_requested)
        self._cancel.hide()
        about = _("One file that runs on its own, with everything the next person needs to know.")
        return PageHead(_("Take it with you"), about, self._cancel, self._export)

    def _form_column(self, value: ExportValue) -> QVBoxLayout:
        targets = TargetCards(self, value)
        for card in targets.cards:
            card.chosen.connect(self._on_target)
        self._reason = None
        if value.reason_needed:
            self._reason = ReasonCard(self.theme, value.reason_needed, value.reason)
            self._reason.changed.connect(self._on_reason)
        self._questions = QuestionsCard(value)
        self._questions.changed.connect(self._pause.start)
        self._questions.changed.connect(self._on_reason)
        self._sign = SignBox(self, value)
        self._sign.toggled.connect(self.sign_chosen)
        extra = value.fallback_bytes
        rows = (
            targets,
            self._reason,
            self._questions,
            self._place(value),
            self._sign.row,
            fallback_row(extra, value.fallback, self.fallback_chosen) if extra is not None else None,
            prove_row(self.theme, value.prove, self.prove_requested) if value.prove is not None else None,
        )
        self._form = [row for row in rows if row is not None]
        left = in_column(*self._form, gap=SPACE_L)
        left.addWidget(self._checks_card(value.checks, self._checks_hint(value)), 1)
        return left

    def show_running(
        self, text: str, done: float, total: float | None, checks: Sequence[CheckValue], left: str = ""
    ) -> None:
        """Show the progress of the export; the form stays, and the button becomes Cancel."""
        if self.state != "full" or self._checks is None:
            self.show_loading(text, done, total, left)
            return
        self._checks.show_values(checks)
        self._export.hide()
        self._cancel.show()
        self._bar.show()
        self._bar.set_share(done / total if total else None)
        self._head.set_texts(_("Writing the bundle"), ", ".join(part for part in (text, left) if part))
        for part in self._form:
            part.setEnabled(False)

    def show_card(self, markdown: str) -> None:
        """Show the model card, also during the export."""
        if self._card is not None and self.state == "full":
            self._card.show_markdown(markdown)

    def show_done(self, result: ExportResult, target: DescribedTarget, checks: Sequence[CheckValue]) -> None:
        """Show that the bundle at `result.path` was written, unpacked in a clean place, and run there."""
        again = TextButton(self.theme, _("Export another version"), "arrow-left", on=self.again_requested)
        folder = PrimaryButton(
            self.theme, _("Open folder"), "folder-open", on=lambda: self.open_folder_requested.emit(result.path)
        )
        self._release = GhostButton(self.theme, _("Make it a release"), "tag", on=self.release_requested)
        about = _("Unpacked in an empty folder, it gave the same answers as here.")
        head = PageHead(_("Done: your bundle runs on its own"), about, self._release, folder)
        phone = None
        if target.id == "web":
            phone = GhostButton(self.theme, _("Try it on a phone…"), "device-mobile", on=self.phone_requested)
        left = in_column(
            DoneCard(self.theme, result, _(target.title)),
            UseHereCard(
                GhostButton(self.theme, _("Answer a folder…"), "folder-open", on=self.folder_requested),
                GhostButton(self.theme, _("Put it on the desktop"), "desktop", on=self.desktop_requested),
                phone,
            ),
            ForDevelopers(self.theme, result.commands, result.printed, _(target.how_to_run)),
            self.service.card(),
            (self._checks_card(checks, ""), 1),
            (again, LEFT),
            gap=SPACE_L,
        )
        columns = self._columns(left, result.card_text)
        if self._card is not None and result.card_page:
            read = GhostButton(self.theme, _("Read the card"), "article", "small", on=self.read_card_requested)
            self._card.add_action(read)
        self._fill("done", head, (columns, 1))

    def show_released(self, number: int | None) -> None:
        """Show which release the bundle that was written is by now; None for none."""
        if number is not None:
            self._release.relabel(_("See release {0}").format(number))

    def _loading_head(self) -> tuple[str, str]:
        return _("Writing the bundle"), _("An existing file of that name is kept until this is done.")

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        return (
            PrimaryButton(self.theme, _("Back to export"), "arrow-left", on=self.again_requested),
            GhostButton(self.theme, _("Choose another place…"), "folder-open", on=self.choose_path),
        )

    # -- parts --
    def _only_texts_differ(self, value: ExportValue) -> bool:
        old = self._value
        if old is None or not self._export.isVisibleTo(self):
            return False
        texts = ("path", "card", "checks", "purpose", "not_for", "contact", "reason", "answers", "fallback")
        return replace(old, **{name: getattr(value, name) for name in texts}) == value

    def _columns(self, left: QVBoxLayout, markdown: str) -> QHBoxLayout:
        self._card = MarkdownCard(self.theme, markdown)
        self._card.view.link_clicked.connect(self.link_clicked)
        self._on_width_changed(self.is_narrow)
        return in_row((left, 1), self._card, gap=SPACE_L)

    def _on_width_changed(self, is_narrow: bool) -> None:
        if self._card is not None and self.state in ("full", "done", "empty"):
            wide = CARD_NARROW_PX if is_narrow else max(CARD_WIDE_PX, round(self.width() * 0.36))
            self._card.setFixedWidth(min(wide, 720))

    def _place(self, value: ExportValue) -> QWidget:
        change = GhostButton(self.theme, _("Change…"), size="small", on=self.choose_path, name=_("Change the location"))
        self._path = ElidedLabel(value.path, mode=Qt.TextElideMode.ElideMiddle)
        caption = label(_("Written to"), "soft", wrap=False)
        return held(in_row(caption, (self._path, 1), change, gap=SPACE_M, edges=(SPACE_L, 0, SPACE_L, 0)))

    def _checks_hint(self, value: ExportValue) -> str:
        if not value.checks_on_export:
            return ""
        text = _("the last {0} run when you export").format(value.checks_on_export)
        return text if value.seconds is None else f"{text}, {about(value.seconds)}"

    def _checks_card(self, checks: Sequence[CheckValue], hint: str) -> Card:
        self._checks = CheckList(self.theme, checks, 32)
        card = Card(_("Checks"), self._checks, STRETCH, gap=4)
        if hint:
            card.add_caption(hint)
        return card

    # -- slots --
    def form(self) -> ExportValue | None:
        """Return the form with all answers as they are now."""
        if self._value is None or self._questions is None:
            return None
        purpose, not_for, contact = self._questions.answers
        reason = self._reason.reason if self._reason is not None else ""
        return replace(
            self._value,
            purpose=purpose,
            not_for=not_for,
            contact=contact,
            reason=reason,
            answers=self._questions.own_answers,
            sign=self._sign is not None and self._sign.isChecked(),
        )

    def start(self) -> None:
        """Start the export if the main button is enabled."""
        if self.state == "full" and self._export.isEnabled():
            self._on_export()

    def _on_export(self) -> None:
        self._pause.stop()
        form = self.form()
        if form is not None:
            self.export_requested.emit(form)

    def _on_reason(self) -> None:
        has_reason = self._reason is None or self._reason.is_enough
        has_answers = self._questions is None or self._questions.is_enough
        self._export.setEnabled(has_reason and has_answers)
        why_not = _("Answer the questions first.") if has_reason else _("Give a reason in a few words.")
        self._export.setToolTip("" if self._export.isEnabled() else why_not)

    def _on_target(self, target: str) -> None:
        if self._value is not None and target != self._value.target:
            if self._pause.isActive() and self._questions is not None:
                self._pause.stop()
                self.answers_changed.emit(*self._questions.answers)
            if self._reason is not None:
                self.reason_given.emit(self._reason.reason)
            self.target_chosen.emit(target)

    def _on_pause_over(self) -> None:
        if self._questions is not None and self.state == "full":
            self.answers_changed.emit(*self._questions.answers)

    def choose_path(self) -> None:
        """Open the system's dialog for a new file."""
        value = self._value
        path = self._ask_place(value.path, value.suffix) if value is not None else self._ask_place("", ".zip")
        if path:
            self.path_chosen.emit(path)
