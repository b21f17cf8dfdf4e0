"""The page Guide: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "guide",
    mark("Guide"),
    "question",
    f"{__name__}.page:GuidePage",
    place="rest",
    order=40,
    shortcut="F1",
    of_project=False,
)
