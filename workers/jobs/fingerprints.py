"""Job kind ``fingerprints``: by what later runs know the test items again."""

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.proof.proving import FingerprintsParams, FingerprintsResult
from workers.evaluate.proof.added import fingerprints


def run(params: FingerprintsParams, ctx: JobContext) -> FingerprintsResult:
    """One number an item."""
    found = fingerprints(params, ctx)
    result = FingerprintsResult(n=len(found))
    np.save(ctx.work_dir / result.path, found, allow_pickle=False)
    return result
