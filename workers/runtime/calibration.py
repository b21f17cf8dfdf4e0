"""Read the calibration split of a data folder as model inputs, for techniques that need examples."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.contracts.process.context import Feeds


def calibration_feeds(data_dir: Path | None, limit: int | None) -> "Iterator[Feeds]":
    """Yield the inputs of `<data_dir>/calibration` in their stored order, at most `limit` of them.

    Nothing is yielded without a data folder or without a calibration split in it.
    """
    if data_dir is None or not (data_dir / "calibration").is_dir():
        return
    from workers.pipeline.prepared import Prepared

    prepared = Prepared(data_dir / "calibration")
    count = len(prepared) if limit is None else min(limit, len(prepared))
    for index in range(count):
        yield prepared[index]
