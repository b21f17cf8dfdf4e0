"""By what names a person finds the examples that a run was judged on."""

from app.services.after.run_parts import parts_of
from app.services.data.thumbnails import read_items
from app.services.flow.artifacts import ArtifactStore
from app.services.records.facts import RunFacts


def judged_items(artifacts: ArtifactStore, facts: RunFacts) -> tuple[str, ...]:
    """Names of all examples to test with, as `Judgement.changed` counts them; empty where they are gone."""
    try:
        return tuple(
            item.source
            for part in parts_of(artifacts, facts, facts.proof)
            for item in read_items(part.data_dir)
            if item.is_test
        )
    except (OSError, ValueError):
        return ()
