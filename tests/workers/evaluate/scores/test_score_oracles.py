"""Every score compared with a second implementation: scikit-learn, torchmetrics, pycocotools, scikit-image."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from coco_oracle import coco
from skimage import metrics as pictures
from sklearn import metrics as sk
from sklearn.neighbors import NearestNeighbors
from zoo import text_answers

from workers.contracts.specs import TaskScore
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.kinds import kinds_in
from workers.evaluate.proof.predictions import Predictions
from workers.evaluate.proof.tasks.moments import weighted_auc
from workers.evaluate.scores import kinds
from workers.evaluate.scores.base import Case
from workers.evaluate.scores.kinds import (
    classification,
    detection,
    embedding,
    generated_pictures,
    generated_texts,
    regression,
    transcripts,
    voice,
)
from workers.pipeline.postprocess import matching
from workers.pipeline.postprocess.matching import Boxes

Make = Callable[..., Any]
CLOSE = 1e-6


def case_of(items: list[Item], old: Predictions, new: Predictions, **data: Any) -> Case:
    return Case(DataSet("arrays", "person", test=tuple(items), **data), old, new, np.arange(len(items)), 0)


def by_id(scores: list[TaskScore]) -> dict[str, TaskScore]:
    return {score.id: score for score in scores}


def test_every_score_is_found_in_order() -> None:
    """Given the folder, then each file's score is there once, in its order."""
    assert [score.id for score in kinds_in(kinds, "SCORE")] == [
        "classification", "sentence-pairs", "embedding", "detection", "segmentation", "regression", "voice", "transcripts",
        "generated-texts", "generated-pictures",
    ]  # fmt: skip


@pytest.mark.parametrize(("n", "classes", "seed"), [(300, 10, 0), (40, 3, 1), (1, 7, 2), (200, 6, 3)])
def test_classification_is_scikit_learns_and_torchmetrics(answers_of: Make, n: int, classes: int, seed: int) -> None:
    """Given random shares, then top-1, top-5, each class and ECE are scikit-learn's and torchmetrics'."""
    tm = import_module("torchmetrics.functional.classification")
    rng = np.random.default_rng(seed)
    logits = [rng.normal(size=(n, classes)).astype(np.float32) for _ in range(2)]
    labels = rng.integers(0, classes, n)
    old, new = (answers_of(list(rows), "class", "logits") for rows in logits)
    found = by_id(classification.measure(case_of([Item("", None, (int(k),)) for k in labels], old, new)))
    for rows, field in zip(logits, ("original", "optimized"), strict=True):
        top1 = sk.accuracy_score(labels, rows.argmax(1))
        assert getattr(found["top1"], field) == pytest.approx(top1, abs=CLOSE)
        every = range(classes)
        if classes > 5:
            top5 = sk.top_k_accuracy_score(labels, rows.astype(np.float64), k=5, labels=list(every))
            assert getattr(found["top5"], field) == pytest.approx(top5, abs=CLOSE)
        shares = torch.softmax(torch.from_numpy(rows).double(), 1)
        error = tm.multiclass_calibration_error(shares, torch.from_numpy(labels), classes, n_bins=15, norm="l1")
        assert getattr(found["ece"], field) == pytest.approx(float(error), abs=CLOSE)
        each = tm.multiclass_accuracy(torch.from_numpy(rows), torch.from_numpy(labels), classes, average="none")
        for part in found["top1"].parts:
            assert getattr(part, field) == pytest.approx(float(each[int(part.name.split()[-1])]), abs=CLOSE)


def test_the_interval_of_a_known_change(answers_of: Make, class_answers: Make, labelled: Make) -> None:
    """Given 30 of 300 answers lost, then the change is −.1 and its interval that of the binomial law, nearly."""
    labels = np.arange(300) % 3
    lost = np.where(np.arange(300) < 30, (labels + 1) % 3, labels)
    data = labelled(labels)
    score = classification.measure(Case(data, class_answers(labels), class_answers(lost), np.arange(300)))[0]
    assert score.optimized == pytest.approx(0.9) and score.low is not None and score.high is not None
    assert score.low == pytest.approx(-0.1 - 1.96 * 0.0173, abs=0.006)
    assert score.high == pytest.approx(-0.1 + 1.96 * 0.0173, abs=0.006)


@pytest.mark.parametrize(("n", "columns", "seed"), [(200, 1, 0), (5, 3, 1), (2, 1, 2)])
def test_regression_is_scikit_learns(answers_of: Make, n: int, columns: int, seed: int) -> None:
    """Given random numbers, then MAE, RMSE and R² are scikit-learn's."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(50, 20, (n, columns))
    rows = [(truth + rng.normal(0, 5, truth.shape)).astype(np.float32) for _ in range(2)]
    old, new = (answers_of(list(values), "tensor") for values in rows)
    found = by_id(regression.measure(case_of([Item("", target=tuple(t)) for t in truth.tolist()], old, new)))
    oracles = {"mae": sk.mean_absolute_error, "rmse": sk.root_mean_squared_error, "r2": sk.r2_score}
    for values, field in zip(rows, ("original", "optimized"), strict=True):
        for name, oracle in oracles.items():
            assert getattr(found[name], field) == pytest.approx(oracle(truth, values), abs=CLOSE)
    assert found["mae"].low is not None and found["mae"].low <= found["mae"].optimized - (found["mae"].original or 0)


def test_regression_of_numbers_far_from_zero() -> None:
    """Given right numbers of about a million millions that spread by 1, then R² has the interval that it has around 0."""
    rng = np.random.default_rng(3)
    truth = rng.standard_normal((200, 1))
    found = []
    for mean in (0.0, 1e12):
        old, new = (truth + mean + size * rng.standard_normal(truth.shape) for size in (0.1, 0.5))
        draws = regression._draws(truth + mean, old, new, 0)[2]
        assert np.isfinite(draws).all()
        found.append(float(draws.std()))
    assert found[1] == pytest.approx(found[0], rel=0.3)


def test_regression_without_spread(answers_of: Make) -> None:
    """Given targets that are all the same, Then R² is left out; other kinds of targets do not fit."""
    old = answers_of([np.array([1.0])] * 5, "tensor")
    same = case_of([Item("", target=(2.0,))] * 5, old, old)
    assert set(by_id(regression.measure(same))) == {"mae", "rmse", "p90_error"}
    assert not regression.fits(case_of([Item("", target=(2.0, 1.0))] * 5, old, old))


def test_voice_is_scikit_learns(answers_of: Make) -> None:
    """Given random scores with ties over sequences, then the area is scikit-learn's, and so is the weighted one."""
    rng = np.random.default_rng(4)
    lengths = [30, 5, 80, 1]
    labels = [rng.integers(0, 2, k) for k in lengths]
    labels[1][:] = -1
    scores = [
        [np.round(rng.random(k) * 0.6 + 0.3 * (y > 0), 2) for k, y in zip(lengths, labels, strict=True)] for _ in "ab"
    ]
    old, new = (answers_of(rows, "score", stateful=True) for rows in scores)
    data = DataSet("audio", "person", test=tuple(Item(str(i)) for i in range(4)), steps=tuple(labels))
    case = Case(data, old, new, np.arange(4))
    assert voice.fits(case)
    (found,) = voice.measure(case)
    at = [0, 2, 3]
    truth = np.concatenate([labels[i] for i in at])
    for rows, value in zip(scores, (found.original, found.optimized), strict=True):
        flat = np.concatenate([rows[i] for i in at]).astype(np.float32)
        area = sk.roc_auc_score(truth, flat)
        assert value == pytest.approx(area, abs=CLOSE)
    sequence = np.repeat(np.arange(3), [lengths[i] for i in at])
    times = np.array([[1.0, 1, 1], [3, 0, 1]])
    areas = weighted_auc(flat.astype(np.float64), truth > 0, times, sequence)
    weighted = sk.roc_auc_score(truth, flat, sample_weight=times[1][sequence])
    assert areas == pytest.approx([area, weighted], abs=CLOSE)


def test_embedding_is_scikit_learns(answers_of: Make) -> None:
    """Given random vectors, then neighbors are scikit-learn's, and recall is counted from them."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(120, 16)).astype(np.float32)
    near = (rows + rng.normal(0, 0.4, rows.shape)).astype(np.float32)
    groups = rng.integers(0, 12, 120)
    old, new = (answers_of(list(values), "embedding") for values in (rows, near))
    found = by_id(embedding.measure(case_of([Item("", group=f"{g}") for g in groups], old, new)))
    lists = [
        NearestNeighbors(n_neighbors=11, metric="cosine").fit(v).kneighbors(v, return_distance=False)[:, 1:]
        for v in (rows, near)
    ]
    same = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*lists, strict=True)])
    assert found["neighbours"].optimized == pytest.approx(same, abs=CLOSE)
    for neighbors, value in zip(lists, (found["recall"].original, found["recall"].optimized), strict=True):
        shares = [
            (groups[n] == g).sum() / min(10, (groups == g).sum() - 1)
            for n, g in zip(neighbors, groups, strict=True)
            if (groups == g).sum() > 1
        ]
        assert value == pytest.approx(np.mean(shares), abs=CLOSE)
    cosines = np.diag(sk.pairwise.cosine_similarity(rows.astype(np.float64), near.astype(np.float64)))
    assert found["cosine"].optimized == pytest.approx(cosines.mean(), abs=CLOSE)


def boxes_of(rng: np.random.Generator, count: int) -> np.ndarray:
    corner, size = rng.random((count, 2)) * 0.6, rng.random((count, 2)) * 0.3 + 0.05
    return np.hstack([corner, corner + size])


def detections(rng: np.random.Generator, truth: np.ndarray, kinds: np.ndarray, shake: float) -> np.ndarray:
    """Shaken boxes with scores, some missed, some made up."""
    kept = rng.random(len(truth)) < 0.85
    boxes = np.vstack([truth[kept] + rng.normal(0, shake, (int(kept.sum()), 4)), boxes_of(rng, 3)])
    classes = np.concatenate([kinds[kept], rng.integers(0, 3, 3)])
    return np.column_stack([boxes, rng.random(len(boxes)), classes]).astype(np.float32)


def test_detection_is_pycocotools(answers_of: Make) -> None:
    """Given random boxes of three classes, one picture without any, then mAP is that of COCO's own summary."""
    rng = np.random.default_rng(6)
    truths: list[Boxes] = []
    rows: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for count in (4, 0, 7, 1, 5, 3):
        boxes, kinds = boxes_of(rng, count), rng.integers(0, 3, count)
        truths.append(Boxes(boxes, np.ones(count), kinds))
        for part, shake in zip(rows, (0.004, 0.02), strict=True):
            part.append(detections(rng, boxes, kinds, shake))
    old, new = (replace(answers_of(part, "detection"), decoded=True) for part in rows)
    labels = [
        tuple((a, b, c - a, d - b, k) for (a, b, c, d), k in zip(t.corners.tolist(), t.classes.tolist(), strict=True))
        for t in truths
    ]
    case = case_of([Item(str(i), boxes=boxes) for i, boxes in enumerate(labels)], old, new)
    assert detection.fits(case)
    found = by_id(detection.measure(case))
    for part, field in zip(rows, ("original", "optimized"), strict=True):
        wanted = coco(truths, [matching.boxes_of(rows) for rows in part])
        assert getattr(found["map"], field) == pytest.approx(wanted[0], abs=CLOSE)
        assert getattr(found["map50"], field) == pytest.approx(wanted[1], abs=CLOSE)
    assert found["map"].high is not None and found["map"].high < 0


def test_detection_without_labels_uses_the_original(answers_of: Make) -> None:
    """Given no boxes, then the original's sure ones are the truth, and the same answers score 1."""
    rng = np.random.default_rng(7)
    sure = np.array([[0.9, 0], [0.8, 1], [0.1, 0]])
    rows = [np.column_stack([boxes_of(rng, 3), sure]).astype(np.float32) for _ in range(5)]
    old = replace(answers_of(rows, "detection"), decoded=True)
    case = case_of([Item(str(i)) for i in range(5)], old, old)
    assert detection.fits(case) and not detection.fits(replace(case, new=replace(old, decoded=False)))
    found = by_id(detection.measure(case))
    assert found["map"].against == "original" and found["map"].optimized == pytest.approx(1.0)
    nothing = replace(old, answer=[row[:0] for row in rows])
    assert detection.measure(replace(case, old=nothing, new=nothing)) == []


@pytest.mark.parametrize("channels", [1, 3])
def test_generated_pictures_are_scikit_images(answers_of: Make, channels: int) -> None:
    """Given pictures with noise, then PSNR and SSIM are scikit-image's for a range without three values at each end; the
    same picture has 120 dB."""
    rng = np.random.default_rng(9)
    rows = [rng.random((channels, 24, 31)).astype(np.float32) for _ in range(3)]
    noisy = [np.asarray(part + rng.normal(0, 0.05, part.shape), np.float32) for part in rows]
    case = case_of([Item("")] * 3, answers_of(rows, "tensor"), answers_of(noisy, "tensor"))
    assert generated_pictures.fits(case)
    found = by_id(generated_pictures.measure(case))
    ends = np.asarray([np.sort(part, axis=None)[[3, -4]] for part in rows], np.float64)
    low, high = np.median(ends, axis=0)
    spans = np.maximum(high, ends[:, 1]) - np.minimum(low, ends[:, 0])
    exact = [(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(rows, noisy, strict=True)]
    noise = [pictures.peak_signal_noise_ratio(*pair, data_range=span) for pair, span in zip(exact, spans, strict=True)]
    alike = [
        pictures.structural_similarity(
            *pair, data_range=span, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for pair, span in zip(exact, spans, strict=True)
    ]
    assert found["psnr"].optimized == pytest.approx(np.mean(noise), abs=CLOSE)
    assert found["ssim"].optimized == pytest.approx(np.mean(alike), abs=CLOSE)
    same = generated_pictures.measure(replace(case, new=case.old))
    assert [score.optimized for score in same] == pytest.approx([120.0, 1.0])


def test_transcripts_are_jiwers() -> None:
    """Given readings with errors, then word and character error rates are jiwer's; without references the original's
    texts take their place."""
    import jiwer

    rng = np.random.default_rng(10)
    spoken = [" ".join("".join(rng.choice(list("abc "), 24)).split()) for _ in range(20)]
    heard = [" ".join((text[:3] + "b" + text[5:]).split()) for text in spoken]
    old, new = text_answers(spoken, "transcript"), text_answers(heard, "transcript")
    case = case_of([Item("", transcript=text) for text in spoken[:-1]] + [Item("")], old, new)
    assert transcripts.fits(case)
    found = by_id(transcripts.measure(case))
    assert found["wer"].original == 0 and found["wer"].n == 19
    assert found["wer"].optimized == pytest.approx(jiwer.wer(spoken[:-1], heard[:-1]), abs=CLOSE)
    assert found["cer"].optimized == pytest.approx(jiwer.cer(spoken[:-1], heard[:-1]), abs=CLOSE)
    alone = by_id(transcripts.measure(case_of([Item("")] * 20, old, new)))
    assert alone["cer"].against == "original"
    assert alone["cer"].optimized == pytest.approx(jiwer.cer(spoken, heard), abs=CLOSE)


def test_generated_texts_are_sacrebleus_and_torchmetrics() -> None:
    """Given translations, then chrF is sacrebleu's corpus score and ROUGE-L torchmetrics' mean."""
    from sacrebleu.metrics import CHRF
    from torchmetrics.functional.text import rouge_score

    rng = np.random.default_rng(11)
    words = ["the", "a", "boat", "house", "goes", "sees", "red", "14", "old", "quickly", "near", "river", "stone"]
    right, old, new = ([" ".join(rng.choice(words, rng.integers(4, 12))) for _ in range(15)] for _ in range(3))
    case = case_of(
        [Item("", group=text) for text in right],
        text_answers(old, "tokens"),
        text_answers([*new[:-1], right[-1]], "tokens"),
    )
    assert generated_texts.fits(case)
    found = by_id(generated_texts.measure(case))
    for texts, field in ((old, "original"), ([*new[:-1], right[-1]], "optimized")):
        assert getattr(found["chrf"], field) == pytest.approx(CHRF().corpus_score(texts, [right]).score, abs=1e-4)
        wanted = float(rouge_score(texts, right, rouge_keys="rougeL")["rougeL_fmeasure"])
        assert getattr(found["rouge_l"], field) == pytest.approx(wanted, abs=CLOSE)
    assert found["chrf"].low is not None and found["chrf"].low < found["chrf"].high
    alone = by_id(generated_texts.measure(case_of([Item("")] * 15, case.old, case.old)))
    assert alone["chrf"].optimized == pytest.approx(100) and alone["rouge_l"].against == "original"


def test_single_words_have_no_bleu() -> None:
    """Given right texts of up to three words, which hold no run of four, then BLEU is left out: it would be 0 for the
    right texts themselves."""
    right = ["house", "two boats", "the red river"] * 5
    case = case_of(
        [Item("", group=text) for text in right], text_answers(right, "tokens"), text_answers(right, "tokens")
    )
    assert set(by_id(generated_texts.measure(case))) == {"chrf", "rouge_l"}
    longer = [f"{text} of stone today" for text in right]
    case = case_of(
        [Item("", group=text) for text in longer], text_answers(longer, "tokens"), text_answers(longer, "tokens")
    )
    assert by_id(generated_texts.measure(case))["bleu"].optimized == pytest.approx(100)


def test_ndcg_is_scikit_learns() -> None:
    """Given searches among ten items of three groups, then nDCG at 4 is scikit-learn's."""
    from sklearn.metrics import ndcg_score

    rng = np.random.default_rng(12)
    groups = np.asarray([*"aaabbbbccc"])
    found = np.stack([rng.permutation([j for j in range(10) if j != i])[:4] for i in range(10)])
    values = embedding.search_scores(found, groups)[:, 1]
    for index, row in enumerate(found):
        others = [j for j in range(10) if j != index]
        relevance = [[float(groups[j] == groups[index]) for j in others]]
        rank = [[float(4 - row.tolist().index(j)) if j in row else -1.0 - j for j in others]]
        assert values[index] == pytest.approx(ndcg_score(relevance, rank, k=4), abs=CLOSE)
