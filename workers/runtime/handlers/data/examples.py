"""Job kind ``examples``: test items with both answers side by side."""

from workers.contracts.jobs import ExamplesParams, ExamplesResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.look.examples import show_examples

HANDLER = HandlerSpec("examples", ExamplesParams, ExamplesResult, show_examples)
