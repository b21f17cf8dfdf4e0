"""All predictions as one table: kinds by the labels, shares, names, and added parts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workers.contracts.base import Rows
from workers.contracts.data.reading import FETTLES_OWN
from workers.contracts.data.rows import KINDS, ROWS_FILE
from workers.contracts.proof.proving import PredictionPair
from workers.evaluate.data.answered import ANSWER_AT
from workers.evaluate.data.dataset import DataSet, Item, write_dataset
from workers.evaluate.proof.predictions import Predictions, save_predictions
from workers.infer.next_tokens import thoughts

Make = Callable[..., Any]


@pytest.fixture
def part(tmp_path: Path) -> Callable[..., PredictionPair]:
    count = iter(range(9))

    def write(data: DataSet, old: Predictions, new: Predictions, **more: Any) -> PredictionPair:
        folder = tmp_path / f"part{next(count)}"
        folder.mkdir()
        write_dataset(folder, data)
        files = [folder / name for name in ("old.npz", "new.npz")]
        for file, answers in zip(files, (old, new), strict=True):
            save_predictions(file, answers)
        return PredictionPair(
            data_dir=str(folder), original_answers=str(files[0]), variant_answers=str(files[1]), **more
        )

    return write


def texts(rows: Any, name: str) -> list[str]:
    ends = rows[f"{name}_ends"].tolist()
    data = rows[f"{name}_bytes"].tobytes()
    return [data[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def test_rows_have_their_kinds_numbers_and_names(job: Make, class_answers: Make, part: Make) -> None:
    """Given labels, then worse and better follow from them, another wrong prediction is "changed", and an item for which
    the original gives no number is left out; an added part has only its items, numbered after the first part."""
    names = ("Ärger", "b  c", "row 3", "row 4", "row 5", "row 6")
    labels: list[tuple[int, ...]] = [(0,), (0,), (0,), (1, 2), (), (0,)]
    items = tuple(Item(name, None, accepted) for name, accepted in zip(names, labels, strict=True))
    data = DataSet("texts", "person", classes=("Cat", "dog", "owl"), test=items)
    first = part(data, class_answers([0, 0, 1, 0, 1, -1]), class_answers([0, 1, 2, 1, 2, 0], sure=0.8))
    more = part(data, class_answers([2] * 6), class_answers([2] * 6), items=(0, 4), first_number=6)
    result, work = job("answer_rows", Rows[PredictionPair](rows=(first, more)))
    with np.load(work / ROWS_FILE, allow_pickle=False) as rows:
        kinds = ["same", "worse", "changed", "better", "changed", "same", "same"]
        assert [KINDS[kind] for kind in rows["kind"]] == kinds
        assert rows["number"].tolist() == [0, 1, 2, 3, 4, 6, 10]
        classes = texts(rows, "names")
        assert [classes[place] for place in rows["after"]] == ["Cat", "dog", "owl", "dog", "owl", "owl", "owl"]
        assert [classes[p] if p >= 0 else "" for p in rows["label"]][:5] == ["Cat", "Cat", "Cat", "dog or owl", ""]
        assert rows["before_share"][:2] == pytest.approx([0.9, 0.9]) and rows["after_share"][0] == pytest.approx(0.8)
        assert texts(rows, "name")[:2] == ["Ärger", "b c"] and texts(rows, "folded")[0] == "ärger"
        assert rows["name_rank"].tolist() == [4, 0, 1, 2, 3, 4, 3]
    assert result.n == 7 and result.labelled and result.answers == "class"
    assert result.counts == {"same": 3, "changed": 2, "worse": 1, "better": 1, "searched": 0}


def test_vectors_are_changed_by_their_similarity(job: Make, answers_of: Make, part: Make) -> None:
    """Given vectors, then similarity decides between same and changed by the limit of the verdict, without classes."""
    old = answers_of(np.eye(3, 4) + 1, "embedding")
    new = answers_of(np.eye(3, 4) + 1 + np.asarray([[0], [0], [1]]) * np.asarray([0, 0, 0, 1]), "embedding")
    data = DataSet("arrays", "person", test=tuple(Item(f"row {i}") for i in range(3)))
    result, work = job("answer_rows", Rows[PredictionPair](rows=(part(data, old, new),)))
    with np.load(work / ROWS_FILE, allow_pickle=False) as rows:
        assert rows["kind"].tolist() == [0, 0, 1] and rows["similarity"][2] < 0.99
        assert (rows["before"] == -1).all() and np.isnan(rows["after_share"]).all()
    assert result.answers == "vector" and not result.labelled and result.counts["changed"] == 1


def test_items_of_the_gallery_are_searched_and_not_same(job: Make, answers_of: Make, part: Make) -> None:
    """Given a hundred vectors without any for calibration, then the quarter that is searched in is neither the same nor
    changed, because it is not judged."""
    vectors = np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32)
    turned = vectors.copy()
    turned[3] = -turned[3]
    data = DataSet("arrays", "person", test=tuple(Item(f"row {i}") for i in range(100)))
    whole = part(data, answers_of(vectors, "embedding"), answers_of(turned, "embedding"))
    result, work = job("answer_rows", Rows[PredictionPair](rows=(whole,)))
    with np.load(work / ROWS_FILE, allow_pickle=False) as rows:
        assert {KINDS[kind] for kind in rows["kind"][:25]} == {"searched"} and np.isnan(rows["similarity"][:25]).all()
        assert "searched" not in {KINDS[kind] for kind in rows["kind"][25:]}
    assert result.counts["searched"] == 25 and result.counts["same"] + result.counts["changed"] == 75


def test_dialogue_of_fettle_is_listed_as_changed(job: Make, part: Make) -> None:
    """Given a version that begins the answer of one of Fettle's dialogues with another word, then that dialogue is changed,
    with its share of equal words, and a text of the person is the same."""
    rng = np.random.default_rng(0)
    logits = [(rng.gumbel(size=(30, 80)) * 3).astype(np.float32) for _ in range(3)]
    follows = [one.argmax(axis=-1) for one in logits]
    other = [one.copy() for one in logits]
    other[2][20] = other[2][20, ::-1]
    old, new = (
        Predictions(
            [thoughts(one, follow) for one, follow in zip(side, follows, strict=True)],
            None, np.ones(3, np.bool_), {}, "next_tokens", "logits", False,
        )
        for side in (logits, other)
    )  # fmt: skip
    own = {ANSWER_AT: 20.0, FETTLES_OWN: 1.0}
    items = (Item("one"), Item("two"), Item("dialogue", facts=own))
    _, work = job("answer_rows", Rows[PredictionPair](rows=(part(DataSet("texts", "person", test=items), old, new),)))
    with np.load(work / ROWS_FILE, allow_pickle=False) as rows:
        assert [KINDS[kind] for kind in rows["kind"]] == ["same", "same", "changed"]
        assert rows["similarity"].tolist() == pytest.approx([1, 1, 29 / 30])
