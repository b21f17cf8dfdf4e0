"""By what names a person finds the examples that a run was judged on."""

from app.services.facts import RunFacts
from app.services.run_parts import parts_of
from app.services.store import ArtifactStore
from app.services.thumbnails import read_items


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
