"""Labels of models that predict no classes, from the data to the judgement."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import read_set, small_spec

from workers.contracts.pipeline import write_pipeline
from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet, Item, read_dataset, write_dataset
from workers.evaluate.judge import judge
from workers.pipeline.spec import ArraySteps

Make = Callable[..., Any]


def test_targets_of_a_regression_are_kept_exactly(tmp_path: Path, words: Make) -> None:
    """Given an NPZ with real numbers as y, also below 0, Then each item has its own, and a finding reports them."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=40) * 1000 + 1 / 3
    truth[7] = -5.5
    np.savez(tmp_path / "a.npz", x=rng.normal(size=(40, 4)).astype(np.float32), y=truth)
    write_pipeline(tmp_path, small_spec("arrays", "array", (None, 4), (None, 1), ArraySteps(), "tensor"))
    result, folder = read_set(tmp_path, tmp_path / "a.npz", tmp_path / "work")
    data = read_dataset(folder)
    kept = {item.target[0] for item in (*data.test, *data.calibration)}
    assert kept == set(truth.tolist())
    assert "used for scores" in words(result)


def judged(answers_of: Make, shift: float, stretch: float = 1.0) -> Judgement:
    """400 targets, an original with some error, and a variant with that error stretched and shifted."""
    rng = np.random.default_rng(1)
    truth = rng.normal(100, 30, 400)
    old = truth + rng.normal(0, 5, 400)
    items = tuple(Item(f"{i}", target=(float(t),)) for i, t in enumerate(truth))
    data = DataSet("arrays", "person", test=items)
    new = truth + stretch * (old - truth) + shift
    return judge(data, answers_of(list(old[:, None]), "tensor"), answers_of(list(new[:, None]), "tensor"), 1.0)


def test_a_proven_loss_of_the_task_is_a_regression(answers_of: Make) -> None:
    """Given a shift that makes errors grow, Then the score rejects the version with a sentence; a tiny shift is safe."""
    judgement = judged(answers_of, 4.0)
    assert judgement.verdict == "regressed" and "Mean error got worse for sure" in " ".join(judgement.notes)
    assert [score.id for score in judgement.scores] == ["mae", "rmse", "r2", "p90_error"]
    assert judgement.scores[0].against == "labels" and judgement.scores[0].low is not None
    assert judged(answers_of, 1e-4).verdict == "safe"


def test_a_loss_that_is_not_sure_to_exceed_the_limit_is_no_regression(answers_of: Make) -> None:
    """Given errors that grow by 1.05 % where 1 % is allowed, then it is neither a regression for sure, nor safe."""
    judgement = judged(answers_of, 0.0, stretch=1.0105)
    assert judgement.verdict == "not_enough_data" and "not yet sure to lose more" in " ".join(judgement.notes)
    assert judged(answers_of, 0.0, stretch=1.002).verdict == "safe"


def test_scores_of_classes_change_no_verdict(labelled: Make, class_answers: Make) -> None:
    """Given a class model, Then scores are reported, and the verdict follows the rules of classes."""
    labels = np.arange(400) % 3
    judgement = judge(labelled(labels), class_answers(labels), class_answers(labels), 1.0)
    assert judgement.verdict == "safe"
    assert [score.id for score in judgement.scores] == ["top1", "ece"]
    unlabelled = judge(labelled([None] * 400), class_answers(labels), class_answers(labels), 1.0)
    assert [(s.id, s.against, s.original, s.optimized) for s in unlabelled.scores] == [("same", "original", None, 1.0)]
    assert Judgement.model_validate_json(judgement.model_dump_json()) == judgement


def test_texts_are_scored_as_texts(class_answers: Make) -> None:
    """Given texts with classes, then the same measures stand under their own task."""
    items = tuple(Item(f"{i}", "good", (i % 3,)) for i in range(60))
    answers = class_answers([i % 3 for i in range(60)])
    judgement = judge(DataSet("texts", "person", test=items), answers, answers, 1.0)
    assert {score.task for score in judgement.scores} == {"text classification"}


def test_items_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    """Given items with all kinds of truths, when written and read, then they are the same."""
    item = Item(
        "a", None, target=(1.5, -2.0), group="x|y", boxes=((0.1, 0.2, 0.3, 0.4, 7),), transcript="said",
        pairs=(("b", 0.5),), facts={"brightness": 0.5}, columns={"camera": "phone"},
    )  # fmt: skip
    write_dataset(tmp_path, DataSet("images", "person", test=(item, Item("b"))))
    found = read_dataset(tmp_path).test
    assert found == (item, Item("b"))
    assert found[0].facts == {"brightness": 0.5} and found[0].columns == {"camera": "phone"}


def test_recordings_keep_transcripts_columns_and_facts(run_data: Make, tmp_path: Path) -> None:
    """Given recordings with texts and speakers, then each has its transcript, its column, length and loudness."""
    rng = np.random.default_rng(2)
    lengths = np.full(20, 1600)
    audio = (rng.normal(0, 0.1, int(lengths.sum())) * 32767).astype(np.int16)
    text = np.array([f"word {i}" for i in range(20)])
    speaker = np.array(["Ada" if i % 2 else "Bob" for i in range(20)])
    np.savez(tmp_path / "a.npz", audio=audio, lengths=lengths, sr=8000, text=text, speaker=speaker)
    _, folder = run_data("sounds", tmp_path / "a.npz")
    items = read_dataset(folder).test
    assert {item.transcript for item in items} <= set(text.tolist())
    assert {item.columns["speaker"] for item in items} == {"Ada", "Bob"}
    assert all(item.facts["seconds"] == pytest.approx(0.2) for item in items)
    assert all(-21 < float(item.facts["loudness"]) < -19 for item in items)


def test_long_columns_are_no_slices(run_data: Make, tmp_path: Path) -> None:
    """Given a table with a column of long texts and a short one, then only the short one is kept."""
    lines = [
        "text,label,page,shop",
        *(f"{'good ' * (i + 1)}film,positive,{'x' * 200}{i},shop {i % 3}" for i in range(20)),
    ]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    _, folder = run_data("texts", tmp_path / "a.csv")
    assert all(set(item.columns) == {"shop"} for item in read_dataset(folder).test)
