"""Job kind ``stress``: changed, nonsensical and hostile inputs for the original and one variant."""

from workers.contracts.after.stress import StressParams, StressResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.stress.job import stress_model

HANDLER = HandlerSpec("stress", StressParams, StressResult, stress_model)
