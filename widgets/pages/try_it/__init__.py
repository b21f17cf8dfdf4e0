"""The page Try it: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "try",
    _("Try it"),
    "play",
    f"{__name__}.page:TryPage",
    place="step",
    order=60,
    summary=_("Give both the same input and look at their answers."),
)
