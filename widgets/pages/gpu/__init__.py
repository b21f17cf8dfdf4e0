"""The page of the GPU doctor: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "gpu", _("Graphics cards"), "cpu", f"{__name__}.page:GpuPage", order=10, below="settings", of_project=False
)
