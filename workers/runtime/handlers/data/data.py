"""Job kind ``data``: read, check and split a person's data, or make inputs."""

from workers.contracts.jobs import DataParams, DataResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.data.build import build_data

HANDLER = HandlerSpec("data", DataParams, DataResult, build_data)
