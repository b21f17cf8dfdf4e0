"""The page Goal: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "goal",
    mark("Goal"),
    "target",
    f"{__name__}.page:GoalPage",
    place="step",
    order=30,
    summary=mark("Say what matters, and how much it may lose. Then start."),
)
