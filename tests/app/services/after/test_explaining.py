"""Why a version of a run, or another file, answers otherwise than the original: through real jobs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import planted as make
import pytest
from finished_run import FASTER, PRUNED, finished_space
from flows import go
from spaces import opened_space

from app.services.after.explaining import explain_models, explain_version
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from workers.contracts.jobs import OpenParams


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Workspace]:
    yield from finished_space(tmp_path)


@pytest.mark.whole
def test_versions_are_explained_on_the_runs_own_examples(finished: Workspace) -> None:
    """Given a run with another engine and a pruned version, When both are explained, Then the engine agrees, and no
    usual difference is named for the pruned one."""
    facts = read_facts(finished, "r1")
    by_recipe = {variant.recipe.title: variant for variant in facts.variants}
    same = go(finished, explain_version(finished, facts, by_recipe[FASTER.title]))
    pruned = go(finished, explain_version(finished, facts, by_recipe[PRUNED.title]))
    assert same.agree and not same.causes and same.n_items > 8
    assert not pruned.agree and {cause.code for cause in pruned.causes} <= {"weights"}


def test_expected_outputs_of_another_count_are_refused(tmp_path: Path) -> None:
    """Given expected outputs for fewer pictures than there are, Then they are refused with both counts."""
    model, data = make.picture_model(tmp_path / "m" / "model.onnx"), tmp_path / "pictures"
    make.pictures(data, 6)
    np.savez(tmp_path / "expected.npz", output=np.zeros((5, 5), np.float32))
    with opened_space(tmp_path / "home") as space, pytest.raises(JobError) as refused:
        go(space, explain_models(OpenParams(path=str(model)), tmp_path / "expected.npz", data))
    facts = refused.value.error.facts
    assert refused.value.exit_code == 3 and (facts["rows"], facts["examples"]) == (5, 6)


def test_texts_are_read_from_the_chosen_column(tmp_path: Path) -> None:
    """Given a table with two columns of texts, When models of texts are compared on the one chosen, Then its texts are
    used: with a name that the table lacks they are refused."""
    make.texts(tmp_path / "one.csv", 8)
    rows = (tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()
    table = "\n".join(["body,title", *(f"{row} {row} again,{row}" for row in rows[1:])])
    (tmp_path / "two.csv").write_text(table, encoding="utf-8")
    model = make.text_model(tmp_path / "m")
    with opened_space(tmp_path / "home") as space:
        explained = go(space, explain_models(OpenParams(path=str(model)), model, tmp_path / "two.csv", "title"))
        with pytest.raises(JobError) as refused:
            go(space, explain_models(OpenParams(path=str(model)), model, tmp_path / "two.csv", "name"))
    assert explained.agree and explained.n_items == 8
    assert refused.value.exit_code == 3
