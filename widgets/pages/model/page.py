"""Show the page Model: choose a model, see its facts, and change the preparation of its inputs.

What the first run does not show is imported when it is needed, because the window's first paint waits for this module.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.hub.card import HubCard
from widgets.pages.model.value import ModelValue, SampleValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card, DropArea, icon_text
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import about, big_count, size_bytes
from widgets.parts.layout import LEFT, STRETCH, bare_grid, held, in_column, in_row
from widgets.parts.page import Page
from widgets.parts.pictures import PictureLabel
from widgets.parts.small import CheckList, CheckValue, KeyValue, PageHead
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_S, SPACE_XL
from workers.contracts.translation import _

if TYPE_CHECKING:
    from widgets.pages.model.preprocess_form import PreprocessCard
    from widgets.pages.model.questions import Shaped
    from widgets.parts.question import QuestionDialog

_SHOWN_CLASSES = 12


def _size(value: ModelValue) -> str:
    text = _("{0}, 1 number") if value.parameters == 1 else _("{0}, {1} numbers")
    return text.format(size_bytes(value.size_bytes), big_count(value.parameters))


def facts_card(value: ModelValue) -> Card:
    """Return the card with inputs, outputs and further facts in plain words."""
    pairs = [
        (_("Takes in"), value.takes_in),
        (_("Gives back"), value.gives_back),
        (_("What it does"), value.does),
        (_("Size"), _size(value)),
        (_("Format"), value.format),
        (_("Recognized"), value.architecture),
        (_("License"), value.license or _("none is stated in the file")),
        (_("Origin"), value.origin),
    ]
    classes = words(_classes(value.classes), "caption") if value.classes else None
    return Card(_("What it is"), KeyValue([pair for pair in pairs if pair[1]]), classes, STRETCH, gap=SPACE_L)


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:_SHOWN_CLASSES])
    rest = len(names) - _SHOWN_CLASSES
    more = _("{0}, and {1:,} more").format(shown, rest) if rest > 0 else shown
    return _("Its answers: {0}.").format(more)


def safety_card(theme: Theme, findings: Sequence[CheckValue]) -> Card:
    """Return the card with the findings of the safety check, the worst first."""
    ordered = sorted(findings, key=lambda finding: ("bad", "warn", "ok").index(finding.state))
    nothing = words(_("No findings: it contains numbers only."), "soft") if not findings else None
    return Card(_("What the safety check found"), nothing, CheckList(theme, ordered), STRETCH, gap=4)


SIDE_WIDE, SIDE_NARROW = 80, 56
TALLEST_PX = 380


class ModelPage(Page):
    """The page Model; `file_chosen(path)` is a file or a folder.

    Dialogs request consent, shapes and architectures.
    """

    sample_requested = Signal()
    file_chosen = Signal(str)
    another_requested = Signal()
    continue_requested = Signal()
    consent_given = Signal(str)
    shapes_given = Signal(str, object)  # path, {input name: (sizes…)}
    architecture_chosen = Signal(str, str)  # path, architecture
    preprocessing_changed = Signal(object)  # ImageSteps
    hub_requested = Signal(str)  # words to search for, or ""

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Model"))
        self._thumbnails: list[PictureLabel] = []
        self._preprocess: PreprocessCard | None = None

    # -- states --
    def show_empty(self, sample: SampleValue | None) -> None:
        """Show the first run: the sample if it exists, a drop area, and three short explanations."""
        head = PageHead(
            _("Which model shall we make faster?"),
            _("Your files stay on this computer. The hub is contacted only when you search."),
        )
        make = PrimaryButton if sample is None else GhostButton
        drop = self._drop_area(
            _("Drop your own model here"),
            make(self.theme, _("Choose a file…"), on=self.choose_file),
            GhostButton(self.theme, _("Choose a folder…"), on=self.choose_folder),
            least_px=188,
        )
        hub = HubCard(self.theme)
        hub.search_requested.connect(self.hub_requested)
        own = QWidget()
        own.setMaximumHeight(TALLEST_PX)
        in_row((drop, 1), (hub, 1), gap=SPACE_L, parent=own)
        items: list[QWidget] = [] if sample is None else [self._sample_card(sample)]
        self._fill("empty", head, *items, (own, 1), self._explanations())
        self._on_width_changed(self.is_narrow)

    def show_value(self, value: ModelValue) -> None:
        """Show an opened model."""
        head = PageHead(
            value.name,
            _("Check that this is the right model."),
            GhostButton(self.theme, _("Choose another model…"), on=self.another_requested),
            PrimaryButton(self.theme, _("Continue to data"), "arrow-right", on=self._on_continue),
        )
        columns = in_row((facts_card(value), 3), (safety_card(self.theme, value.findings), 2), gap=SPACE_L)
        self._preprocess = None
        if value.preprocess is not None:
            from widgets.pages.model.preprocess_form import PreprocessCard

            self._preprocess = PreprocessCard(self.theme, value.preprocess, self.preprocessing_changed)
        self._fill("full", head, columns, self._preprocess)

    def _loading_head(self) -> tuple[str, str]:
        return (_("Opening the model"), _("It is read in a separate process, and nothing in it is run."))

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        first, second = (PrimaryButton, GhostButton) if value.is_unsafe else (GhostButton, PrimaryButton)
        hub_text = _("Find a safe one in the hub") if value.is_unsafe else _("Look in the hub")
        hub = first(self.theme, hub_text, "magnifying-glass", on=lambda: self.hub_requested.emit(""))
        choose = second(self.theme, _("Choose another file…"), on=self.choose_file)
        buttons = (hub, choose) if value.is_unsafe else (choose, hub)
        return *buttons, self._drop_area(_("Or drop another model here"), icon="", least_px=112)

    # -- questions --
    def ask_consent(self, path: str, name: str) -> "QuestionDialog":
        """Ask before a TorchScript file is opened and state the risk."""
        from widgets.pages.model.questions import consent_question
        from widgets.parts.question import QuestionDialog

        dialog = QuestionDialog(self.theme, consent_question(name), self.window())
        dialog.answered.connect(lambda answer: self.consent_given.emit(path) if answer == "open" else None)
        dialog.open()
        return dialog

    def ask_shapes(self, path: str, inputs: "Sequence[Shaped]", example: str = "") -> "QuestionDialog":
        """Ask for the sizes that the model does not define."""
        from widgets.pages.model.questions import ShapeDialog

        dialog = ShapeDialog(self.theme, inputs, example, self.window())
        dialog.given.connect(lambda shapes: self.shapes_given.emit(path, shapes))
        dialog.open()
        return dialog

    def ask_architecture(self, path: str, names: tuple[str, ...]) -> "QuestionDialog":
        """Ask which of several fitting architectures the model has."""
        from widgets.pages.model.questions import one_of_question
        from widgets.parts.question import QuestionDialog

        dialog = QuestionDialog(self.theme, one_of_question(names), self.window())
        dialog.answered.connect(lambda answer: self.architecture_chosen.emit(path, answer) if answer else None)
        dialog.open()
        return dialog

    # -- parts --
    def _sample_card(self, sample: SampleValue) -> Card:
        card = Card(name=_("New here? Try the sample"), edge=SPACE_XL)
        text = words(sample.about, "soft")
        text.setMaximumWidth(460)
        name = _("Try the sample ({0})").format(about(sample.seconds))
        start = PrimaryButton(self.theme, name, "play", "big", on=self.sample_requested)
        title = label(card.accessibleName(), "section")
        column = in_column(STRETCH, title, text, SPACE_S, (start, LEFT), STRETCH)
        grid = bare_grid(SPACE_S, SPACE_S)
        self._thumbnails = [
            PictureLabel(self.theme, self._pictures, picture, SIDE_WIDE) for picture in sample.pictures[:10]
        ]
        for number, picture in enumerate(self._thumbnails):
            grid.addWidget(picture, number // 5, number % 5)
        card.add(in_row((column, 1), grid, gap=SPACE_XL))
        return card

    def _drop_area(self, title: str, *actions: QWidget, icon: str = "upload-simple", least_px: int) -> DropArea:
        text = _(".onnx, .safetensors, .gguf, .pt, a folder or .zip of these")
        return DropArea(self.theme, title, text, *actions, icon=icon, least_px=least_px)

    def _explanations(self) -> QWidget:
        steps = (
            ("cube", _("Pick a model"), _("Your own, the hub’s, or the sample.")),
            ("gauge", _("Watch it get faster"), _("Every answer is checked on the way.")),
            ("package", _("Take it with you"), _("A bundle that runs on its own.")),
        )
        parts = ((icon_text(self.theme, *step, square=False), 1) for step in steps)
        return held(in_row(*parts, gap=SPACE_XL, edges=(0, SPACE_S, 0, 0)))

    # -- actions --
    def choose_files(self) -> bool:
        """Open the dialog for a model file."""
        self.choose_file()
        return True

    def choose_file(self) -> None:
        """Open the system's dialog for a file."""
        kinds = _("Models (*.onnx *.safetensors *.gguf *.pt *.pth *.bin *.ckpt *.ts *.zip);;All files (*)")
        self._ask_file(_("Choose a model"), kinds, self.file_chosen)

    def choose_folder(self) -> None:
        """Open the system's dialog for a folder."""
        self._ask_folder(_("Choose a model's folder"), self.file_chosen)

    def _on_continue(self) -> None:
        """Apply unsaved changes of the preparation, then continue; invalid ones are shown and keep the page open."""
        card = self._preprocess
        if card is not None and card.is_changed and not card.take():
            self.ensureWidgetVisible(card)
            return
        self.continue_requested.emit()

    def _on_width_changed(self, is_narrow: bool) -> None:
        if self.state == "empty":
            side = SIDE_NARROW if is_narrow else SIDE_WIDE
            for picture in self._thumbnails:
                picture.setFixedSize(side, side)
