"""The page “All answers”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec("answers", mark("All answers"), "list", f"{__name__}.page:AnswersPage", order=10, below="compare")
