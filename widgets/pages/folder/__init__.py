"""The page "Answer a folder": it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec("folder", mark("Answer a folder"), "folder-open", f"{__name__}.page:FolderPage", order=20, below="try")
