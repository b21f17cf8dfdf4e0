"""What every technique makes of a small model is matched with the model."""

from pathlib import Path

import pytest
from recording import RecordingContext
from special_models import SUITED
from technique_cases import every_technique, quick_params, runtime_of, staged

from workers.contracts.techniques import TechniqueSpec
from workers.explain.graphs.reading import read_graph
from workers.explain.matching import match_graphs

MOST_UNMATCHED = 0.05


@pytest.mark.whole
@every_technique
def test_versions_of_every_technique_are_matched(spec: TechniqueSpec, make_small, tmp_path: Path) -> None:
    """Given a model that a technique is for, When its version is matched, Then at most one operator in 20 has no pair.

    No operator of the model counts as the same as two of the version.
    """
    small = make_small(SUITED.get(spec.id, "cnn"))
    model = staged(spec, small, tmp_path / "before")
    spec.apply(model, quick_params(spec), RecordingContext(tmp_path, data_dir=small.data, original=small.folder))
    first, second = (read_graph(folder, runtime_of(folder)) for folder in (small.folder, tmp_path / "model"))
    rows = match_graphs(first, second)
    assert [row.a for row in rows if row.a] == [node.name for node in first.nodes]
    assert {row.b for row in rows if row.b} == {node.name for node in second.nodes}
    unmatched = [row for row in rows if row.status == "unmatched"]
    assert len(unmatched) <= MOST_UNMATCHED * len(rows), unmatched
