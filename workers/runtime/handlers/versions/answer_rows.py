"""Job kind ``answer_rows``: all answers of two versions as one compact table."""

from workers.contracts.data.rows import AnswerRowsParams, AnswerRowsResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.look.answer_rows import write_rows

HANDLER = HandlerSpec("answer_rows", AnswerRowsParams, AnswerRowsResult, write_rows)
