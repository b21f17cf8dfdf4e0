"""Job kind ``fed``: what the model is fed, and whether its results look as if that were noise."""

from workers.contracts.data.fed import FedParams, FedResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.look.fed import show_fed

HANDLER = HandlerSpec("fed", FedParams, FedResult, show_fed)
