"""Provide calibration inputs for quantization; all techniques use the same source."""

from workers.convert.asking.calibration import count_requests, requests

__all__ = ["count_requests", "requests"]
