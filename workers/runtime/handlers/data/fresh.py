"""Job kind ``fresh``: which examples of new data were not there before."""

from workers.contracts.proof.proving import FreshParams, FreshResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.proof.added import find_fresh

HANDLER = HandlerSpec("fresh", FreshParams, FreshResult, find_fresh)
