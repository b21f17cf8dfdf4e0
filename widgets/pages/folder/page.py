"""Show the page "Answer a folder": choose one, watch the answers come, and save them as a table."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog

from widgets.pages.detail_page import DetailPage
from widgets.pages.folder.table import FolderModel, FolderTable
from widgets.parts.buttons import Button, GhostButton, PrimaryButton
from widgets.parts.card import Card, DropArea, TableCard
from widgets.parts.fields import ChoiceField, named
from widgets.parts.format import about, clipped
from widgets.parts.layout import STRETCH, in_row
from widgets.parts.nouns import DataKind
from widgets.parts.small import Bar, PageHead
from widgets.parts.text import label
from widgets.theme import Theme
from workers.contracts.after.answering import Cells
from workers.contracts.translation import _

Stage = Literal["running", "stopped", "done"]
DROP_PX = 260


class FolderPage(DetailPage):
    """The page "Answer a folder"; `path_chosen(path)` begins, `continue_requested` goes on after an interruption.

    `column_chosen(name)` answers another column of a table. `save_requested(path)` writes the table,
    `open_folder_requested` shows where it is. `another_requested` leads back to the choice.
    """

    path_chosen = Signal(str)
    column_chosen = Signal(str)
    continue_requested = Signal()
    another_requested = Signal()
    save_requested = Signal(str)
    open_folder_requested = Signal()

    fills_height = True

    def __init__(self, theme: Theme) -> None:
        """Create the page in its empty state."""
        nothing = _("Nothing to answer with yet"), _("Once there is an optimized version, it answers your files here.")
        super().__init__(theme, _("Answer a folder"), "folder-open", nothing)
        self._kind: DataKind = "images"
        self._model: FolderModel | None = None
        self._bar, self._figure, self._note = Bar(_("Progress"), big=True), label("", "strong"), label("", "soft")
        self._name = ""

    def _back(self) -> GhostButton:
        return GhostButton(self.theme, _("Back to Try it"), "arrow-left", on=self._to("try"))

    # -- states --
    def show_value(self, value: tuple[DataKind, tuple[tuple[str, str], ...], str]) -> None:
        """Show the choice of a folder, for the kind of input, the versions (id, title) and the chosen version."""
        self._kind, versions, chosen = value
        self._model = None
        text = _("Every input gets an answer, in a table that you save for Excel. Your files are only read.")
        choose = PrimaryButton(self.theme, _("Choose a folder…"), "folder-open", on=self.choose_folder)
        files = GhostButton(self.theme, _("Choose a file…"), "file-text", on=self.choose_file)
        area = DropArea(self.theme, self._drop_title(), self._drop_text(), choose, files, least_px=DROP_PX)
        note = _("If you stopped earlier, choose the same folder again: it goes on where it stopped.")
        field = named(_("Answer with"), self._version_field(versions, chosen))
        self._fill(
            "full",
            PageHead(_("Answer a folder"), text, self._back()),
            in_row((field, 1), STRETCH),
            area,
            label(note, "soft"),
        )

    def _drop_title(self) -> str:
        return {
            "images": _("Drop a folder of pictures here"),
            "texts": _("Drop a CSV of texts here"),
            "audio": _("Drop a folder of sounds here"),
            "arrays": _("Drop an NPZ file here"),
        }[self._kind]

    def _drop_text(self) -> str:
        return {
            "images": _("All pictures in it and in its sub-folders are answered."),
            "texts": _("Every row is answered. A folder of text files works as well."),
            "audio": _("All WAV files in it and in its sub-folders are answered."),
            "arrays": _("Every row of its arrays is answered. A folder of NPZ files works as well."),
        }[self._kind]

    def show_table(
        self, name: str, headings: tuple[str, ...], read: Callable[[int], Cells], columns: tuple[str, ...], column: str
    ) -> None:
        """Show the table of the answers to `name`, of which a table of texts has `columns`, and `column` is used."""
        self._name = name
        self._model = FolderModel(headings, read)
        table = FolderTable(self.theme, self._model)
        self._bar, self._figure = Bar(_("Progress"), big=True), label("", "strong")
        self._note = label("", "soft", wrap=False)
        progress = Card("", in_row((self._figure, 1), self._note), self._bar, name=_("Progress"))
        choice = None
        if len(columns) > 1:
            field = ChoiceField(_("Column of the texts"), [(clipped(one, 60), one) for one in columns], column)
            field.currentIndexChanged.connect(lambda _at: self.column_chosen.emit(field.currentData()))
            choice = in_row(named(_("Column of the texts"), field), STRETCH)
        self._fill("running", PageHead(""), progress, choice, (TableCard((table, 1), name=_("Answers")), 1))

    @property
    def has_table(self) -> bool:
        """Return whether answers are shown."""
        return self._model is not None and self.state in ("running", "stopped", "done")

    def grow(self, count: int) -> None:
        """Show the first `count` answers."""
        if self._model is not None:
            self._model.grow(count)

    def show_progress(self, done: float, total: float | None, remaining_s: float | None) -> None:
        """Show how many inputs have an answer or a reason."""
        self._figure.setText(_("{0:,.0f} of {1:,.0f}").format(done, total) if total else _("Loading…"))
        self._note.setText("" if remaining_s is None else _("{0} left").format(about(remaining_s)))
        self._bar.set_share(done / total if total else None)

    def show_stage(self, stage: Stage, text: str, saved: str = "") -> None:
        """Show whether the work runs, was stopped or is done, and what can be done; `saved` is the written table."""
        titles = {
            "running": _("Answering “{0}”"),
            "stopped": _("Stopped; the answers are kept"),
            "done": _("“{0}” is answered"),
        }
        save = GhostButton if stage == "stopped" or saved else PrimaryButton
        actions: list[Button] = []
        if stage == "running":
            actions = [GhostButton(self.theme, _("Cancel"), "x", on=self.cancel_requested)]
        else:
            actions = [
                GhostButton(self.theme, _("Another folder…"), "folder-open", on=self.another_requested),
                save(self.theme, _("Save as…"), "download-simple", on=self.choose_place),
            ]
        if saved:
            actions.append(PrimaryButton(self.theme, _("Open folder"), "folder-open", on=self.open_folder_requested))
        elif stage == "stopped":
            actions.append(PrimaryButton(self.theme, _("Continue"), "play", on=self.continue_requested))
        self._bar.setVisible(stage == "running")
        if stage != "running":
            self._note.setText(_("Saved as {0}").format(Path(saved).name) if saved else "")
        self._set_head(stage, PageHead(titles[stage].format(clipped(self._name, 60)), text, *actions))

    def show_counts(self, answered: int, failed: int) -> None:
        """Show how many inputs have an answer, and how many a reason."""
        text = _("{0:,} answered").format(answered)
        self._figure.setText(text if not failed else _("{0}, {1:,} without an answer").format(text, failed))

    # -- choosing --
    def choose_files(self) -> bool:
        """Open the dialog for a folder, if one can be chosen now."""
        if self.state != "full":
            return False
        self.choose_folder()
        return True

    def choose_folder(self) -> None:
        """Open the system's dialog for a folder."""
        self._ask_folder(_("Choose a folder to answer"), self.path_chosen)

    def choose_file(self) -> None:
        """Open the system's dialog for a table, an NPZ or a single input."""
        self._ask_file(_("Choose a file to answer"), _("All files (*)"), self.path_chosen)

    def choose_place(self) -> None:
        """Open the system's dialog for the table; its filter names the format where the name does not."""
        kinds = {_("CSV for any program (*.csv)"): ".csv", _("Excel (*.xlsx)"): ".xlsx"}
        name = _("{0} answers.csv").format(Path(self._name).stem)
        path, kind = QFileDialog.getSaveFileName(self, _("Save the answers"), name, ";;".join(kinds))
        if path:
            self.save_requested.emit(path if Path(path).suffix else path + kinds.get(kind, ".csv"))
