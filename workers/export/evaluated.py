"""Describe the evaluation data for the monitor of a bundle: `monitor/reference.json`."""

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from workers.contracts.bundles import ExportParams
from workers.contracts.process.context import JobContext
from workers.measure.opening import open_session
from workers.monitor.reference import FILE, FOLDER, Reference, common_tokens, reference_of
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

MOST_ITEMS, MOST_S = 2000, 30.0
"""Maximum number of items and seconds; a thousand items suffice for a histogram of twenty parts."""


def write_reference(folder: Path, params: ExportParams, ctx: JobContext) -> None:
    """Write the figures of the test items and of the version's predictions here.

    Inputs that Fettle made are no evaluation data: the reference is then empty, and the beginning of a log replaces it.
    """
    data = params.facts.data
    reference = Reference(names=tuple(load_pipeline(folder).spec.classes or ())[:1000])
    if data is not None and data.origin == "person":
        reference = _evaluated(folder, params, ctx)
    (folder / FOLDER).mkdir()
    text = json.dumps(reference.to_json(), ensure_ascii=False, separators=(",", ":"))
    (folder / FOLDER / FILE).write_text(text, encoding="utf-8")


def _evaluated(folder: Path, params: ExportParams, ctx: JobContext) -> Reference:
    items, pipeline = Prepared(Path(params.data_dir) / "test"), load_pipeline(folder)
    common = common_tokens(pipeline, islice(items, MOST_ITEMS))
    session = open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)
    until_s = time.monotonic() + MOST_S

    def answered() -> Iterator[tuple[Any, Any]]:
        for feeds in islice(items, MOST_ITEMS):
            ctx.check_cancelled()
            yield feeds, pipeline.answer(session, feeds)
            if time.monotonic() > until_s:
                return

    try:
        return reference_of(pipeline, answered(), common)
    finally:
        session.close()
