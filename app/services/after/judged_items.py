"""List the names by which a person finds the examples that a run was judged on."""

from app.services.after.run_parts import parts_of
from app.services.data.thumbnails import read_items
from app.services.flow.artifacts import ArtifactStore
from app.services.records.facts import RunFacts


def judged_items(artifacts: ArtifactStore, facts: RunFacts) -> tuple[str, ...]:
    """Return the names of all test examples in the order of `Judgement.changed`; empty if the files are gone."""
    try:
        return tuple(
            item.source
            for part in parts_of(artifacts, facts, facts.proof)
            for item in read_items(part.data_dir)
            if item.is_test
        )
    except (OSError, ValueError):
        return ()
