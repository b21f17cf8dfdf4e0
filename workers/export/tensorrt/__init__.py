"""The target *TensorRT folder*: the Python bundle whose model becomes an engine on the card where it starts."""

from workers.export.tensorrt.target import TARGET

__all__ = ["TARGET"]
