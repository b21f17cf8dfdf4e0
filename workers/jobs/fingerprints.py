"""Job kind ``fingerprints``: compute numbers by which later runs recognize the test items."""

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.proof.proving import FingerprintsResult, ItemsParams
from workers.evaluate.proof.added import fingerprints


def run(params: ItemsParams, ctx: JobContext) -> FingerprintsResult:
    """Write one number per item."""
    rows = fingerprints(params, ctx)
    result = FingerprintsResult(n=len(rows))
    np.save(ctx.work_dir / result.path, rows, allow_pickle=False)
    return result
