"""Keep measurements across runs and projects, so that nothing is measured twice on the same machine.

The key covers the contents of each model, the data, runtime and settings; threads, sets, blocks and this protocol; and
the machine with its library versions. A side-by-side measurement is found only as a whole, since only then were all
versions measured under the same conditions.
"""

import shutil
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from app.services.flow.artifacts import ArtifactStore, Entry
from app.services.flow.steps import Loads, Measured, MeasuredVariant, MeasureStep
from workers.contracts.base import Frozen
from workers.contracts.disturbed import is_under_load
from workers.contracts.jobs import MeasureResult

PROTOCOL = 3
"""Protocol number; raise it whenever the requests of a block, or how they are timed, change."""

MAX_AGE = timedelta(days=7)
"""Age of the oldest usable measurement; after updates and dust in a fan, older ones no longer fit the machine."""

FILE = "measured.json"


class _Kept(Frozen):
    measured_at: AwareDatetime
    latencies_ms: tuple[tuple[tuple[float, ...], ...], ...]
    results: tuple[tuple[MeasureResult, ...], ...]
    busy_share: float | None
    loads: Loads
    seconds: float
    run_began: AwareDatetime | None = None


class SavedMeasurements:
    """The kept measurements in the artifact store, owned by a driver."""

    def __init__(self, artifacts: ArtifactStore, jobs: Path) -> None:
        """Create access to measurements in `artifacts`; new entries are first written below `jobs`."""
        self._artifacts, self._jobs = artifacts, jobs

    def find(self, step: MeasureStep) -> Measured | None:
        """Return an earlier measurement for the step, None if there is none or if it is older than the step allows."""
        key = self.key(step)
        entry = self._artifacts.get(key) if key is not None else None
        if entry is None or step.reuse is None:
            return None
        try:
            kept = _Kept.model_validate_json((entry.folder / FILE).read_text(encoding="utf-8"))
        except (OSError, ValidationError):  # written by another program version
            return None
        oldest = max(step.reuse.since, step.reuse.began) if is_under_load(*kept.loads) else step.reuse.since
        if kept.measured_at < oldest or step.reuse.only_of not in (None, kept.run_began):
            return None
        return Measured(**dict(kept), failures=(None,) * len(kept.latencies_ms))

    def save(self, step: MeasureStep, measured: Measured) -> Entry | None:
        """Store a complete measurement; return None if it failed, was stopped, or may not be reused.

        Raises:
            OSError: The entry could not be written.
        """
        key = self.key(step)
        if key is None or step.reuse is None or not measured.complete or any(measured.failures):
            return None
        names = ("latencies_ms", "results", "busy_share", "loads", "seconds")
        facts = {name: getattr(measured, name) for name in names}
        kept = _Kept(**facts, measured_at=datetime.now(UTC), run_began=step.reuse.began)
        folder = self._jobs / f"measured-{uuid.uuid4().hex[:12]}"
        folder.mkdir(parents=True)
        try:
            (folder / FILE).write_text(kept.model_dump_json(), encoding="utf-8")
            return self._artifacts.adopt(folder, key, {"measured_at": kept.measured_at.isoformat()})
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def key(self, step: MeasureStep) -> str | None:
        """Return the key of a measurement, None if it may not be reused or involves a model outside of the store."""
        variants = [self._facts_of(variant) for variant in step.variants]
        if step.reuse is None or None in variants:
            return None
        names = ("sets", "blocks", "threads", "warmup_requests", "timed_requests", "block_max_s")
        how = {name: getattr(step, name) for name in names}
        slow_ms = None if step.slow_over_ms is None else "bounded"
        facts = {"protocol": PROTOCOL, "machine": step.reuse.machine, "contenders": variants, **how, "slow": slow_ms}
        if step.least_block_s:
            facts["least_block_s"] = step.least_block_s
        if step.number:
            facts["number"] = step.number
        return self._artifacts.key("measured", facts, 0, {})

    def _facts_of(self, variant: MeasuredVariant) -> dict[str, object] | None:
        params = variant.params
        model = self._artifacts.content_of(Path(params.model_dir))
        if model is None:
            return None
        others = params.model_dump(mode="json", exclude={"model_dir"})
        return {"model": model, **others}
