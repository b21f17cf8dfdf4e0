"""Show the page Data: the user's examples, their split and the checks; or continue without examples."""

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from widgets.pages.data.cards import ColumnsCard, FoundList, OriginCard
from widgets.pages.data.doctor import DoctorCard, DoctorValue
from widgets.pages.data.fed import FedCard, FedValue
from widgets.pages.data.grid import ItemValue
from widgets.pages.data.items import ItemsCard
from widgets.pages.data.parts import MatchDialog, SplitBar, SuspectsDialog, merged_words
from widgets.pages.data.reading import ReadingCard
from widgets.pages.data.value import DataValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card, DropArea
from widgets.parts.cards.error import ErrorValue
from widgets.parts.layout import STRETCH, TOP, discard, in_column, in_flow, in_row
from widgets.parts.nouns import DataKind, counted, plural
from widgets.parts.page import Page
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckList, CheckValue, Chip, PageHead
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.data.checks import Suspect
from workers.contracts.data.reading import FOLDER_LABELS, LABEL_CHOICES, DataResult
from workers.contracts.data.record import DataRecord
from workers.contracts.translation import _, localized

MAX_CHIPS = 40
SPARE_SHARE = 1000
"""Parts of the spare height that the examples take; the space below them takes one part."""


class DataPage(Page):
    """The page Data; `data_chosen(path)` is a folder or a file, `no_data_chosen` continues with generated inputs."""

    data_chosen = Signal(str)
    no_data_chosen = Signal()
    earlier_requested = Signal()  # restore the data set that this one replaced
    continue_requested = Signal()
    columns_changed = Signal(str, str)  # text column, label column ("" for none)
    labels_matched = Signal(object)  # {label: class of the model}
    leave_out_requested = Signal()
    put_back_requested = Signal()
    edited = Signal(str, object, str)  # name of the edit, sources, a label for relabel
    undo_requested = Signal()
    redo_requested = Signal()
    picture_wanted = Signal(int)  # number of the example
    suspects_requested = Signal()
    doctor_requested = Signal()
    doctor_cancelled = Signal()
    preparation_taken = Signal(str)  # SPEC of --preprocess
    reading_changed = Signal(str, object)  # reading of the outputs, and the score threshold or None
    origin_answered = Signal(object)  # DataRecord
    fills_height = True

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Data"))
        self._kind: DataKind = "images"
        self._asked: DataKind | None = None
        self._found: FoundList | None = None
        self._items: ItemsCard | None = None
        self._doctor: DoctorCard | None = None
        self._fed: FedCard | None = None
        self._origin: QVBoxLayout | None = None
        self._preview: Card | None = None
        self._left: QVBoxLayout | None = None
        self._labels: tuple[str, ...] = ()

    # -- states --
    def show_empty(self, kind: DataKind) -> None:
        """Show which kind of examples can be dropped, and what can be measured without examples."""
        if self.state == "empty" and self._asked == kind:
            return  # several facts of a project change at once, and each requests the same page
        self._kind = self._asked = kind
        head = PageHead(
            _("Which {0} do you want to test it with?").format(plural(kind)),
            _("Your own examples show best whether the answers stay the same. They stay on this computer."),
            GhostButton(self.theme, _("Continue without data"), on=self.no_data_chosen),
        )
        buttons = [
            PrimaryButton(self.theme, _("Choose a folder…"), on=self.choose_folder),
            GhostButton(self.theme, _("Choose a file…"), on=self.choose_file),
        ]
        ordered = buttons if kind in ("images", "audio") else reversed(buttons)
        title = _("Drop your {0} here").format(plural(kind))
        drop = DropArea(self.theme, title, self._hint(), *ordered, least_px=212)
        self._fill("empty", head, drop, in_row((self._can_card(), 1), (self._cannot_card(), 1), gap=SPACE_L))

    def show_value(self, value: DataValue) -> None:
        """Show the data set, or that inputs are generated."""
        data, is_made = value.result, value.result.origin == "made"
        self._kind = data.kind
        tip = _("Use “{0}” again").format(value.earlier)
        head = PageHead(
            self._title(data),
            self._subtitle(value),
            self._back_button(value.earlier, tip, self.earlier_requested) if value.earlier else None,
            GhostButton(self.theme, _("Choose another…"), on=self.choose_files),
            PrimaryButton(self.theme, _("Continue"), "arrow-right", on=self.continue_requested),
        )
        self._items, self._doctor, self._fed, self._preview = None, None, None, None
        self._labels = value.model_classes or tuple(data.class_counts)
        self._origin = QVBoxLayout()
        if is_made:
            shown: list[QWidget | None] = [self._can_card(), self._cannot_card()]
        else:
            text = words(_("These cannot be displayed; the checks at the right cover all of them."), "soft")
            self._preview = Card(_("Examples"), text)
            self._fed = FedCard(self.theme, self._pictures)
            shown = [self._preview, self._labels_card(data) if data.class_counts or data.labelled else None]
        reading = None
        are_texts = value.spec is not None and value.spec.answer_kind in ("tokens", "transcript")
        columns = self._columns_card(data.columns, data.text_column, data.label_column, are_texts=are_texts)
        self._left = in_column(*shown, columns, self._origin, STRETCH, gap=SPACE_L)
        if value.spec is not None:
            reading = ReadingCard(value.spec)
            reading.changed.connect(self.reading_changed)
        right = in_column(
            self._split_card(data),
            None if is_made else self._doctor_card(),
            self._checks_card(value),
            reading,
            self._fed,
            STRETCH,
            gap=SPACE_L,
        )
        self._fill("full", head, (in_row((self._left, 17), (right, 10), gap=SPACE_L), 1))

    def _loading_head(self) -> tuple[str, str]:
        return _("Reading your {0}").format(plural(self._kind)), _("They are not changed.")

    def _columns_card(
        self, names: Sequence[str], text: str = "", label: str = "", *, are_texts: bool = False
    ) -> ColumnsCard | None:
        """Return the card to choose the columns of a table; None if there is only one."""
        if len(names) < 2:
            return None
        card = ColumnsCard(names, text, label, are_texts=are_texts)
        card.changed.connect(self.columns_changed)
        return card

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        choices = value.error.facts.get(LABEL_CHOICES) if value.error is not None else None
        columns = self._columns_card([str(name) for name in choices]) if isinstance(choices, list) else None
        return (
            *(() if columns is None else (columns,)),
            PrimaryButton(self.theme, _("Choose others…"), on=self.choose_files),
            GhostButton(self.theme, _("Continue without data"), on=self.no_data_chosen),
            DropArea(self.theme, _("Or drop others here"), self._hint(), icon="", least_px=112),
        )

    # -- words --
    def _title(self, data: DataResult) -> str:
        if data.origin == "made":
            return _("Without data: Fettle makes {0:,} inputs").format(data.n_items)
        examples = counted(data.kind, data.n_of_person + data.n_calibration)
        if data.class_counts:
            return _("{0} of {1:,} kinds, ready to use").format(examples, len(data.class_counts))
        return _("{0}, ready to use").format(examples)

    def _subtitle(self, value: DataValue) -> str:
        data = value.result
        if data.origin == "made":
            return _("Speed, size and same answers can be measured. Drop your own at any time.")
        name = PurePath(value.source).name or value.source
        if data.merged_doubles or 0 < data.n_opened < data.n_items:
            return merged_words(data, name)
        return _("From “{0}”. Drop another at any time.").format(name)

    def _hint(self) -> str:
        hints = {
            "images": _("A folder of pictures. Sub-folders or a file labels.csv give the labels, if you have some."),
            "texts": _("A CSV file of texts, optionally with a column of labels."),
            "arrays": _(
                "A table (CSV) with a row of numbers for each example and the right answers in a column named label, or"
                " an NPZ file whose arrays are named as the model’s inputs."
            ),
            "audio": _("A folder of WAV files. Sub-folders or a file labels.csv give the labels."),
        }
        return hints[self._kind]

    # -- parts --
    def _can_card(self) -> Card:
        rows = (
            CheckValue("ok", _("How fast it is, and how much memory it takes")),
            CheckValue("ok", _("How large its file is")),
            CheckValue("ok", _("Whether both versions answer the same, on inputs that Fettle makes")),
        )
        return Card(_("What can be measured without data"), CheckList(self.theme, rows), STRETCH)

    def _cannot_card(self) -> Card:
        rows = (
            CheckValue("warn", _("How often it is right: its accuracy needs your examples with labels")),
            CheckValue("warn", _("Whether it gives the same answers on your real inputs")),
            CheckValue("warn", _("So the best verdict is “alike, not proven”")),
        )
        return Card(_("What stays unknown"), CheckList(self.theme, rows), STRETCH)

    def _labels_card(self, data: DataResult) -> Card:
        rest = len(data.class_counts) - MAX_CHIPS
        chips = in_flow(
            *(Chip(name, localized(number)) for name, number in list(data.class_counts.items())[:MAX_CHIPS]),
            Chip(_("and {0:,} more").format(rest)) if rest > 0 else None,
        )
        card = Card(_("Labels found"), chips, gap=SPACE_M)
        if any(finding.code == FOLDER_LABELS for finding in data.findings):
            card.add_caption(_("from the names of the sub-folders"))
        return card

    def _split_card(self, data: DataResult) -> Card:
        rows = in_column(gap=2)
        for number, text, token in (
            (data.n_calibration, _("for calibration: to tune the smaller model"), "s3"),
            (data.n_of_person, _("for the test: never seen while tuning"), "brand"),
        ):
            if not number:
                continue
            figure = label(localized(number), "strong", "warn" if token == "s3" else "brand", wrap=False)
            figure.setFixedWidth(60)
            rows.addLayout(in_row((figure, TOP), (words(text), 1), gap=None))
        return Card(_("How they are split"), SplitBar(data.n_calibration, data.n_of_person), rows, gap=SPACE_M)

    def _checks_card(self, value: DataValue) -> Card:
        acts = self.leave_out_requested, self.put_back_requested, self.suspects_requested
        self._found = FoundList(self.theme, *acts)
        card = Card(_("What was checked"), CheckList(self.theme, value.checks), self._found, STRETCH)
        if value.result.unknown_labels and value.model_classes:
            match = GhostButton(self.theme, _("Match the names…"), size="small", on=lambda: self.ask_match(value))
            card.title_row.addWidget(match)  # above the rows, whose number grows during the checks
        return card

    def _doctor_card(self) -> DoctorCard:
        self._doctor = DoctorCard(self.theme, self.doctor_requested, self.doctor_cancelled, self.preparation_taken)
        return self._doctor

    # -- values after reading --
    def show_items(self, items: Sequence[ItemValue], chunk: int) -> None:
        """Replace the preview with all examples; visible thumbnails are requested by `picture_wanted`."""
        if self._left is None or self._preview is None or self.state != "full" or not items:
            return
        acts = self.undo_requested, self.redo_requested
        card = ItemsCard(self.theme, items, *acts, pictures=self._kind == "images", chunk=chunk)
        card.edited.connect(self.edited)
        card.view.items.wanted.connect(self.picture_wanted)
        card.offer_labels(self._labels)
        self._left.replaceWidget(self._preview, card)
        self._left.setStretchFactor(card, SPARE_SHARE)
        discard(self._preview)
        self._preview, self._items = None, card

    def mark_items(self, items: Sequence[ItemValue], *, can_undo: bool, can_redo: bool) -> None:
        """Show edits before the set is read again, and whether they can be undone."""
        if self._items is not None and self.state == "full":
            self._items.show_items(items)
            self._items.show_history(can_undo=can_undo, can_redo=can_redo)

    def put_pictures(self, first: int, pictures: Sequence[bytes]) -> None:
        """Store thumbnails of a range of examples."""
        if self._items is not None and self.state == "full":
            self._items.view.items.put(first, pictures)

    def show_doctor(self, value: DoctorValue) -> None:
        """Show the state or the result of the preparation check."""
        if self._doctor is not None and self.state == "full":
            card = self._doctor
            if card.show_value(value):  # the user who started the check sees its result
                QTimer.singleShot(0, card, lambda: self.show_whole(card))

    def show_fed(self, value: FedValue) -> None:
        """Show what the model receives of three examples."""
        if self._fed is not None and self.state == "full":
            self._fed.show_value(value)

    def show_origin(self, value: DataRecord) -> None:
        """Show the three questions with their answers."""
        if self._origin is not None and self.state == "full" and not self._origin.count():
            card = OriginCard(self.theme, value)
            card.answered.connect(self.origin_answered)
            self._origin.addWidget(card)

    def ask_suspects(self, suspects: Sequence[tuple[Suspect, PictureValue]]) -> SuspectsDialog:
        """Open a dialog with the labels that are probably wrong, one by one with its picture."""
        dialog = SuspectsDialog(self.theme, self._pictures, suspects, self.window())
        dialog.edited.connect(lambda name, source, label: self.edited.emit(name, (source,), label))
        dialog.open()
        return dialog

    def show_found(self, rows: Sequence[CheckValue], leave_out: int, left_out: int, suspects: int = 0) -> None:
        """Show the findings with the numbers of examples to leave out, left out, and with suspicious labels."""
        if self._found is not None and self.state == "full":
            self._found.show_values(rows, leave_out, left_out, suspects)

    # -- actions --
    def ask_match(self, value: DataValue) -> MatchDialog:
        """Ask which class of the model each unknown label means."""
        dialog = MatchDialog(self.theme, value.result.unknown_labels, value.model_classes, self.window())
        dialog.matched.connect(self.labels_matched)
        dialog.open()
        return dialog

    def choose_files(self) -> bool:
        """Open the usual dialog for examples of this kind: for a folder or a file."""
        (self.choose_folder if self._kind in ("images", "audio") else self.choose_file)()
        return True

    def choose_folder(self) -> None:
        """Open the system's dialog for a folder."""
        self._ask_folder(_("Choose a folder of examples"), self.data_chosen)

    def choose_file(self) -> None:
        """Open the system's dialog for a file."""
        kinds = _("Examples (*.csv *.tsv *.txt *.jsonl *.npz *.wav);;All files (*)")
        self._ask_file(_("Choose a file of examples"), kinds, self.data_chosen)
