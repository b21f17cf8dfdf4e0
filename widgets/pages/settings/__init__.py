"""The page Settings: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "settings", mark("Settings"), "gear-six", f"{__name__}.page:SettingsPage", place="rest", order=30, has_number=True
)
