"""The page Goal: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "goal",
    _("Goal"),
    "target",
    f"{__name__}.page:GoalPage",
    place="step",
    order=30,
    summary=_("Say what matters, and how much it may lose. Then start."),
)
