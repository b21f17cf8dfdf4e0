"""Show the page Settings: appearance, data folder, cores, runtimes and libraries."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QRadioButton, QWidget

from widgets.pages.hub.kept import KeptHubCard, KeptHubValue
from widgets.pages.settings.computers import ComputersCard, ComputersValue
from widgets.pages.settings.program import ProgramCard, ProgramValue
from widgets.pages.settings.storage import StorageCard, StorageValue
from widgets.pages.settings.value import SettingsValue
from widgets.parts.buttons import FoldButton, GhostButton
from widgets.parts.card import Card, divided
from widgets.parts.fields import ChoiceField, WholeField, buddy
from widgets.parts.format import percent
from widgets.parts.installing.row import InstallingPage, InstallRow
from widgets.parts.installing.value import SetValue
from widgets.parts.layout import LEFT, STRETCH, held, in_column, in_flow, in_row
from widgets.parts.small import PageHead, Tag
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.specs import Described
from workers.contracts.translation import _, offered
from workers.contracts.wording import capitalized

GIB, MOST_GIB = 1 << 30, 4096
TEXT_SIZES = (100, 125, 150, 175, 200)

Section = ComputersValue | KeptHubValue | ProgramValue | StorageValue


class SettingsPage(InstallingPage):
    """The page Settings; each change is emitted at once, so that nothing needs to be saved."""

    theme_chosen = Signal(str)  # system, light or dark
    language_chosen = Signal(str)  # a key of LANGUAGES, "" for the system's
    text_size_changed = Signal(int)  # percent
    motion_changed = Signal(bool)  # True for less movement
    threads_changed = Signal(object)  # int, or None for automatic
    memory_limit_changed = Signal(object)  # bytes, or None for Fettle's own limit
    log_detail_changed = Signal(bool)
    open_data_folder_requested = Signal()
    free_space_requested = Signal()
    store_limit_changed = Signal(object)  # bytes, or None for no limit
    program_requested = Signal(str)  # a ProgramRequest
    computer_requested = Signal(str, str)  # add, stop, check, update or remove, and its name
    hub_removal_requested = Signal(str)
    hub_forget_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Settings"))
        self._values: dict[type[Section], Section] = {}
        self._cards: dict[type[Section], Any] = {}

    def show_empty(self) -> None:
        """Show that the settings are being read."""
        self._fill("empty", PageHead(_("Settings"), _("Being read…")))

    def show_value(self, value: SettingsValue) -> None:
        """Show all settings."""
        storage = StorageCard(self.theme, self.free_space_requested, self.store_limit_changed)
        program = ProgramCard(self.theme, self.program_requested)
        hub = KeptHubCard(self.theme, self.hub_forget_requested, self.hub_removal_requested)
        others = ComputersCard(self.theme, self.computer_requested)
        self._cards = {StorageValue: storage, ProgramValue: program, KeptHubValue: hub, ComputersValue: others}
        for kind, card in self._cards.items():
            card.show_value(self._values.get(kind) or kind())
        cards = [make(value) for make in (self._looks, self._language, self._folder, self._cores, self._limits)]
        left = in_column(*cards, program, self._about(value), STRETCH, gap=SPACE_L)
        right = in_column(others, storage, hub, self._sets(value), self._runtimes(value), STRETCH, gap=SPACE_L)
        head = PageHead(_("Settings"), _("Changes apply at once."))
        place = self.verticalScrollBar().value()
        self._fill("full", head, in_row((left, 1), (right, 1), gap=SPACE_L))
        self.verticalScrollBar().setValue(place)  # a busy computer describes its runtimes late

    def show_section(self, value: Section) -> None:
        """Show another value in one section, which stays when other settings change."""
        self._values[type(value)] = value
        if self._cards and self.state == "full":
            self._cards[type(value)].show_value(value)

    # -- cards --
    def _looks(self, value: SettingsValue) -> Card:
        group = QButtonGroup(self)
        choices = (("system", _("As the system")), ("light", _("Light")), ("dark", _("Dark")))
        for choice, text in choices:
            button = QRadioButton(text)
            button.setObjectName(f"theme-{choice}")
            button.setChecked(choice == value.theme)
            button.clicked.connect(lambda _checked=False, which=choice: self.theme_chosen.emit(which))
            group.addButton(button)
        sizes = [(_("As the system") if size == 100 else percent(size / 100, 0), size) for size in TEXT_SIZES]
        size = ChoiceField(_("Text size"), sizes, value.text_percent)
        size.currentIndexChanged.connect(lambda _index: self.text_size_changed.emit(size.currentData()))
        title = buddy(label(_("Text size (from the next start)"), wrap=False), size)
        still = QCheckBox(_("No animations"))
        still.setChecked(value.less_motion)
        still.toggled.connect(self.motion_changed)
        rows = in_flow(*group.buttons(), gap=SPACE_L), in_flow(title, size, gap=SPACE_M), still
        card = Card(_("Looks"), *rows, gap=SPACE_M)
        group.setParent(card)
        return card

    def _language(self, value: SettingsValue) -> Card:
        known = [(name, key) for key, name in offered().items() if key not in value.without_font]
        field = ChoiceField(_("Language"), [(_("As the system"), ""), *known], value.language)
        field.setObjectName("language")
        field.activated.connect(lambda _at: self.language_chosen.emit(field.currentData()))
        card = Card(_("Language"), in_row(field, STRETCH), gap=SPACE_M)
        if value.without_font:
            card.add(
                label(_("Japanese and Chinese need a font that this computer lacks, such as Noto Sans CJK."), "caption")
            )
        return card

    def _folder(self, value: SettingsValue) -> Card:
        card = Card(_("Data folder"))
        path = ElidedLabel(value.data_folder, mode=Qt.TextElideMode.ElideMiddle)
        name, on = _("Open the data folder"), self.open_data_folder_requested
        card.add(in_row((path, 1), GhostButton(self.theme, _("Open"), "folder-open", "small", name=name, on=on)))
        log = QCheckBox(_("Detailed log (next start)"))
        log.setChecked(value.detailed_log)
        log.toggled.connect(self.log_detail_changed)
        card.add(label(_("Projects, versions, logs. Only you can read it."), "caption"), log)
        return card

    def _cores(self, value: SettingsValue) -> Card:
        name, special = _("Cores for the work"), _("automatic")
        box = WholeField(name, 0, max(1, value.cores), value.threads or 0, special=special)
        box.valueChanged.connect(lambda number: self.threads_changed.emit(number or None))
        text = _("Fewer cores leave more for other programs; answers take longer.")
        return self._number(name, box, _("of {0} in this computer").format(value.cores), text)

    def _limits(self, value: SettingsValue) -> Card:
        limit = value.memory_limit_bytes
        gib = 0 if limit is None else max(1, round(limit / GIB))
        name, special = _("Memory for one step of the work, GiB"), _("automatic")
        box = WholeField(name, 0, MOST_GIB, gib, special=special)
        box.valueChanged.connect(lambda number: self.memory_limit_changed.emit(number * GIB if number else None))
        text = _("A step that needs more is stopped to protect your other programs.")
        return self._number(_("Memory"), box, _("GiB for one step of the work"), text)

    @staticmethod
    def _number(title: str, box: WholeField, unit: str, text: str) -> Card:
        box.setMinimumWidth(130)
        return Card(title, in_row(box, (label(unit, "soft"), 1), gap=SPACE_M), label(text, "caption"))

    def _sets(self, value: SettingsValue) -> Card | None:
        if not value.sets:
            return None
        texts = {
            "web": (_("Web pages"), _("Exports a page that runs the model in a browser.")),
            "language": (_("Language models elsewhere"), _("Writes language models for web pages and NVIDIA cards.")),
            "sign": (_("Signatures"), _("Signs bundles, so that everyone can check that they are unchanged.")),
            "cluster": (_("Several computers"), _("Optimizes many models at once on a Dask cluster.")),
            "rtx": (_("NVIDIA GeForce RTX cards"), _("Runs models on a GeForce RTX card (TensorRT for RTX).")),
            "cuda": (_("Other NVIDIA cards"), _("Runs models on an NVIDIA card (CUDA).")),
        }
        rows = []
        for one in value.sets:
            title, about = texts[one.name]
            lines = (words(title, "strong"), words(about, "soft"), InstallRow(self.theme, one, title, self))
            rows.append(held(in_column(*lines, gap=2, edges=(0, SPACE_M, 0, SPACE_M))))
        return Card(_("Optional parts"), *divided(rows), gap=0)

    def _runtimes(self, value: SettingsValue) -> Card:
        device = words(value.device, "caption") if value.device else None
        rows = divided(self._runtime(*runtime) for runtime in value.runtimes)
        return Card(_("What can run models here"), device, *rows, gap=0)

    def _runtime(self, value: Described, missing: SetValue | None) -> QWidget:
        tag = Tag(self.theme, "ok", _("Ready")) if value.available else Tag(self.theme, "none", _("Not here"))
        more: QWidget | None = None
        if missing is not None:
            more = InstallRow(self.theme, missing, value.title, self)
        elif value.hint:
            more = label(capitalized(value.hint.rstrip(".")) + ".", "soft")
        about = words(value.summary, "soft") if value.summary else None
        row = in_row((words(value.title, "strong"), 1), tag)
        return held(in_column(row, about, more, gap=2, edges=(0, SPACE_M, 0, SPACE_M)))

    def _about(self, value: SettingsValue) -> Card:
        line = _("Fettle {0}, under the Apache License 2.0. Nothing leaves this computer unless you ask.")
        card = Card(_("About"), words(line.format(value.version), "soft"))
        if value.licenses:
            table = self._licenses(value.licenses)
            card.add((FoldButton(self.theme, _("Libraries and licenses"), "small", "ghost", opens=table), LEFT), table)
        return card

    def _licenses(self, values: tuple[tuple[str, str, str], ...]) -> Table:
        columns = (Column(_("Library"), stretch=True), Column(_("Version")), Column(_("License")))
        table = Table(self.theme, _("Libraries and their licenses"), columns)
        table.show_rows([TableRow(v[0], tuple(Cell(text[:60]) for text in v)) for v in values])
        return table
