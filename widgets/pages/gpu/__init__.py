"""The page of the GPU doctor: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "gpu", mark("Graphics cards"), "cpu", f"{__name__}.page:GpuPage", order=10, below="settings", of_project=False
)
