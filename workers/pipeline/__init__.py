"""How the world goes into a model and its predictions come out (numpy, Pillow, tokenizers). Copied into bundles.

The window's process reads `spec` without numpy and Pillow, so nothing else is imported here. Services take
`PipelineError` from here, also from bundles that other versions wrote.
"""

from .spec import PipelineError

__all__ = ["PipelineError"]
