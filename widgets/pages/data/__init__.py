"""The page Data: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "data",
    mark("Data"),
    "image",
    f"{__name__}.page:DataPage",
    place="step",
    order=20,
    summary=mark("Drop examples of what it will really get. Labels help, and are not needed."),
)
