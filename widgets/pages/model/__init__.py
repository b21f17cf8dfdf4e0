"""The page Model: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "model",
    _("Model"),
    "cube",
    f"{__name__}.page:ModelPage",
    place="step",
    order=10,
    summary=_("Drop the file or folder of a trained model, or pick one from the hub."),
)
