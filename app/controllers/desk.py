"""Control the small window of a shortcut: one version stays loaded, and answers what is dropped."""

from dataclasses import replace

from PySide6.QtCore import QObject

from app.controllers.try_it.presenter import input_value, name_of, picture_of, png_of
from app.controllers.words import error_value, notice
from app.services.after.trying.live import is_chat
from app.services.after.trying.trying import Lost, TryEvent, TryInput, TryOutcome, TryPair
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from widgets.desk_window import DeskWindow
from widgets.drops import Incoming
from widgets.pages.try_it.value import InputValue
from widgets.parts.cards.error import ErrorValue
from widgets.timers import every
from workers.contracts.translation import _

POLL_MS = 15


class DeskController(QObject):
    """Controller of the small window; `stop` ends the version's process."""

    def __init__(self, window: DeskWindow, workspace: Workspace, run_id: str, variant_id: str | None) -> None:
        """Create the controller, and load the version of the run."""
        super().__init__(window)
        self._window, self._workspace = window, workspace
        self._run_id, self._variant_id = run_id, variant_id
        self._single: TryPair | None = None
        self._was_loaded = False
        self._timer = every(self, POLL_MS, self._on_tick)
        window.incoming.connect(self.take)
        window.text_typed.connect(lambda text: self._request(TryInput(text=text)))
        self._load()

    def _load(self) -> None:
        """Load the proven version; an error is shown in the window."""
        self.stop()
        try:
            facts = read_facts(self._workspace, self._run_id)
            variant = facts.variant(self._variant_id) or facts.recommended or facts.baseline
            if is_chat(facts.original_dir):
                self._window.show_problem(_no_chat())
                return
            self._single = TryPair(self._workspace, facts, variant, alone=True)
        except JobError as error:
            again = _("Open Fettle, and put a version on the desktop again.")
            self._window.show_problem(replace(error_value(error.error), next_step=again))
            return
        self._was_loaded = False
        kind = facts.data.kind if facts.data else "images"
        row = facts.data.row_columns if facts.data else ()
        self._window.show_version(kind, facts.project.name, _(variant.title), row)
        self._timer.start()

    def take(self, incoming: Incoming) -> None:
        """Answer the first dropped or pasted file, the picture, or the text."""
        if incoming.paths:
            self._request(TryInput(path=incoming.paths[0]))
        elif incoming.picture is not None:
            self._request(TryInput(png=png_of(incoming.picture)))
        elif incoming.text:
            self._window.type_text(incoming.text)

    def _request(self, given: TryInput) -> None:
        if self._single is None:
            self._load()
        if self._single is not None:
            self._single.request(given)
            self._window.show_message(_("Working…") if self._was_loaded else _("Loading…"), is_busy=True)

    def _on_tick(self) -> None:
        for event in self._single.poll() if self._single is not None else ():
            self._on_event(event)
        if self._single is not None and self._single.is_loaded and not self._was_loaded:
            self._was_loaded = True
            self._window.show_message(_("Waiting for an input."))

    def _on_event(self, event: TryEvent) -> None:
        if isinstance(event, TryOutcome):
            name = name_of(event.given, None)
            self._window.show_answer(input_value(event, name, picture_of(event, name, None)), event.after)
        elif isinstance(event, Lost):
            self.stop()
            self._window.show_problem(error_value(event.error))
        else:
            reason = f"{event.error.detail} {event.error.hint}"
            self._window.show_refusal(InputValue(caption=name_of(event.given, None)), reason)

    def stop(self) -> None:
        """End the version's process."""
        self._timer.stop()
        if self._single is not None:
            self._single.close()
            self._single = None


def _no_chat() -> ErrorValue:
    return notice(
        _("This model chats"),
        _("The small window answers one file or text at a time."),
        _("Open Fettle and use the page Chat."),
    )
