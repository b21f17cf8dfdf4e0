"""The page Data: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "data",
    _("Data"),
    "image",
    f"{__name__}.page:DataPage",
    place="step",
    order=20,
    summary=_("Drop examples of what it will really get. Labels help, and are not needed."),
)
