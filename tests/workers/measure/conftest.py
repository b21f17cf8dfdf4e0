"""Short warm-ups for jobs that measure throughput."""

import pytest

from workers.measure import throughput


@pytest.fixture(autouse=True)
def short_warmup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the warm-up of two seconds to a tenth of a second."""
    monkeypatch.setattr(throughput, "MIN_WARMUP_S", 0.1)
