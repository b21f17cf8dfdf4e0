"""Calibration inputs for quantization; where they come from is the same for every technique."""

from workers.convert.asking.calibration import count_requests, requests

__all__ = ["count_requests", "requests"]
