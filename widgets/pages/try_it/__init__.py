"""The page Try it: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "try",
    mark("Try it"),
    "play",
    f"{__name__}.page:TryPage",
    place="step",
    order=60,
    summary=mark("Give both the same input and look at their answers."),
)
