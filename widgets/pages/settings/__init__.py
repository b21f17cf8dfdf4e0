"""The page Settings: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="settings",
    title=lambda: QCoreApplication.translate("rail", "Settings"),
    icon="gear-six",
    place="rest",
    order=30,
    widget=f"{__name__}.page:SettingsPage",
    has_number=True,
)
