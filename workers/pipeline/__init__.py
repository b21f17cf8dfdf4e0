"""How the world goes into a model and its answers come out (numpy, Pillow; tokenizers for texts). Copied
into bundles."""

from .pipeline import Pipeline, load_pipeline
from .spec import PipelineError, Spec

__all__ = ["Pipeline", "PipelineError", "Spec", "load_pipeline"]
