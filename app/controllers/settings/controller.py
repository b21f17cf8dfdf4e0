"""Control the page Settings: appearance, cores, folders, and the runtimes of this computer."""

import os
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, metadata
from typing import cast

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices

from app.controllers.commands import ADD_COMPUTER, CHOOSE_LANGUAGE, on
from app.controllers.hub.section import HubSection
from app.controllers.installing import Installing
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.settings.computers import ComputersSection
from app.controllers.settings.program import ProgramSection
from app.controllers.settings.storage import StorageSection
from app.controllers.words import device_words
from app.services.machine.optional_sets import Installer
from app.version import VERSION
from widgets.language import without_font
from widgets.pages.settings.page import SettingsPage
from widgets.pages.settings.value import SettingsValue
from widgets.parts.installing.value import SetValue
from widgets.theme import Choice
from workers.contracts.jobs import DescribeResult
from workers.contracts.optional_sets import CARD_SETS, FOLDER_SETS, OptionalSet, card_sets
from workers.contracts.specs import Described
from workers.contracts.translation import _

PAGE = "settings"
LIBRARIES = (
    "PySide6_Essentials", "pyqtgraph", "qtawesome", "torch", "onnx", "onnxruntime", "openvino", "transformers",
    "huggingface_hub", "license-expression", "keyring", "SQLAlchemy", "alembic", "pydantic", "numpy", "pillow",
    "psutil", "nvidia-ml-py",
)  # fmt: skip


class SettingsController(PageController[SettingsPage]):
    """Controller of the page Settings; it saves every change at once."""

    def __init__(self, context: ControllerContext, page: SettingsPage, installer: Installer | None = None) -> None:
        """Create the controller; `installer` None means the program's own installer."""
        super().__init__(context, page)
        self._fixed: SettingsValue | None = None
        self._installing = Installing(context, page, self._sets, installer)
        page.theme_chosen.connect(self._on_theme)
        page.language_chosen.connect(self._on_language)
        page.text_size_changed.connect(lambda percent: self._settings.save(text_percent=percent))
        page.motion_changed.connect(self._on_motion)
        page.threads_changed.connect(lambda threads: self._settings.save(threads=threads))
        page.memory_limit_changed.connect(lambda limit: self._settings.save(memory_limit_bytes=limit))
        page.log_detail_changed.connect(lambda detailed: self._settings.save(log_level="debug" if detailed else "info"))
        page.open_data_folder_requested.connect(self._on_open_folder)
        self._session.described_changed.connect(self.show)
        self.show()
        self._program = ProgramSection(context, page)
        self._hub = HubSection(context, page)
        self._storage = StorageSection(context, page)
        self._computers = ComputersSection(context, page)

    def add_computer(self) -> None:
        """Open the page and ask for the address of another computer."""
        self._window.show_page(PAGE)
        self._computers.add()

    def show(self) -> None:
        """Show all settings and the runtimes."""
        described = self._session.described
        rows = described.runtimes if described else ()
        value = SettingsValue(
            theme=self._settings.value.theme,
            language=self._settings.value.language,
            without_font=without_font(),
            data_folder=str(self._session.workspace.paths.root),
            threads=self._settings.value.threads,
            cores=os.cpu_count() or 1,
            runtimes=tuple(self._runtime_value(row) for row in rows),
            sets=tuple(value for name in self._folder_sets() if (value := self._installing.set_value(name))),
            version=VERSION,
            licenses=licenses(),
            device=device_line(described),
            memory_limit_bytes=self._settings.value.memory_limit_bytes,
            text_percent=self._settings.value.text_percent,
            less_motion=bool(self._window.property("calm")),
            detailed_log=self._settings.value.log_level == "debug",
        )
        fixed = replace(value, sets=(), runtimes=tuple((row, None) for row, _set in value.runtimes))
        if fixed != self._fixed:  # rows of sets change in place: a page made anew would move under the user's hands
            self._fixed = fixed
            self._page.show_value(value)

    def _runtime_value(self, row: Described) -> tuple[Described, SetValue | None]:
        """Return a runtime as the page shows it: with a button or a reason, never with a command line."""
        reason = _("It is not part of this installation.") if row.installs is not None else row.hint
        words = {"title": _(row.title), "summary": _(row.summary), "hint": "" if row.available else _(reason)}
        shown = row.model_copy(update=words)
        return shown, self._installing.set_value(row.installs)

    def _sets(self) -> tuple[OptionalSet | None, ...]:
        described = self._session.described
        runtimes = described.runtimes if described is not None else ()
        return (*(row.installs for row in runtimes), *FOLDER_SETS)

    def _folder_sets(self) -> list[OptionalSet]:
        """Return the optional sets; those for NVIDIA cards only where a card or such a set is."""
        described = self._session.described
        with_cards = bool(card_sets()) or (described is not None and bool(described.cards))
        return [name for name in FOLDER_SETS if with_cards or name not in CARD_SETS]

    def shown(self) -> None:
        """Read what may have changed since the last visit."""
        self._installing.weigh(*self._sets(), again=True)  # another page may have installed a set
        self._hub.show()
        self._program.show()
        self._computers.show()
        self._storage.shown()

    def left(self) -> None:
        """Stop the job that measures disk space."""
        self._storage.left()

    def _on_theme(self, theme: str) -> None:
        self._context.theme.set_choice(cast(Choice, theme))
        self._settings.save(theme=theme)

    def _on_language(self, language: str) -> None:
        QTimer.singleShot(0, self._window, lambda: self._commands.do(CHOOSE_LANGUAGE, language))  # it deletes the field

    def _on_motion(self, is_less: bool) -> None:
        self._window.set_calm(is_less)
        self._settings.save(motion="reduced" if is_less else "full")

    def _on_open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._session.workspace.paths.root)))


def device_line(described: DescribeResult | None) -> str:
    """Return the name of the working device, with the reason why an existing GPU cannot be used."""
    name = device_words(described.device if described else None)
    if described is None or not described.cards or not described.gpu.trouble:
        return name
    return _("{0}: cannot be used yet. {1}").format(name, described.gpu.reason)


def licenses() -> tuple[tuple[str, str, str], ...]:
    """Return the libraries with their versions and licenses, as their own metadata states them."""
    found = []
    for name in LIBRARIES:
        try:
            facts = metadata(name)
        except PackageNotFoundError:
            continue
        fields = facts.json
        text = fields.get("license_expression") or fields.get("license") or "see its own files"
        found.append((name, str(facts["Version"]), str(text).splitlines()[0][:80]))
    return tuple(found)


CONTROLLER = ControllerSpec(PAGE, SettingsController, does=(on(ADD_COMPUTER, SettingsController.add_computer),))
