"""The page Model: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "model",
    mark("Model"),
    "cube",
    f"{__name__}.page:ModelPage",
    place="step",
    order=10,
    summary=mark("Drop the file or folder of a trained model, or pick one from the hub."),
)
