"""Prepare inputs for a model and convert its outputs to predictions; copied into bundles.

The window's process reads `spec` without numpy and Pillow, so nothing else is imported here. Services take
`PipelineError` from here, also from bundles that other versions wrote.
"""

from .spec import PipelineError

__all__ = ["PipelineError"]
