"""Test whether the calibration set was tampered with: activation clustering, and outliers.

Activation clustering (Chen and others 2018, arXiv 1811.03728) splits the original's features of each class in two
(k-means). A small part that is well separated is suspicious. Variety has the same effect, so an alarm needs more.
Either the part shares one small detail that no other picture has (a trigger patch). Or the model, which is right about
the others, predicts nearly all of the part as another class than its label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import PoisonClass, PoisonFinding, PoisonScope, StressParams
from workers.contracts.errors import InputRefused, WorkerError
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, ngettext
from workers.evaluate.data.dataset import DataSet, read_dataset
from workers.evaluate.look.drawing import drawn
from workers.evaluate.stress.backdoor.triggers import Trigger, common_patch, stamp
from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.features import features_of
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import ImageSteps

COMPONENTS = 10
LARGEST, FEWEST_APART, FEWEST = 0.35, 4, 12
"""Largest share of a poisoned part (the paper's value). With fewer items than the other two, a part cannot be
distinguished from chance.
"""
SILHOUETTE, FAR_APART = 0.10, 0.40
"""Least silhouette (the paper's value). Without a shared detail the second value is needed, since errors of models form
clusters, too.
"""
MISLABELLED, RIGHT = 0.8, 0.8
"""Least share of the smaller part that is predicted as another class than labelled, and of the larger part that is not.
"""
FAR, FAR_LOOKS = 4.0, 9.0
"""Robust standard deviations: of the logarithm of the distance, and of lightness or graininess."""
FEWEST_OUTLIERS = 40
MAX_NAMED, NAMED = 50, 5


@dataclass(frozen=True)
class Calibration:
    """Features and predictions of the first n calibration items.

    Attributes:
        names: Names of the items.
        features: Features (n, d).
        predicted: Predicted classes (n,).
        labels: Labels (n,), −1 if unknown.
        pictures: The pictures (n, H, W, C) in 0..1 if all have one size.
    """

    names: tuple[str, ...]
    features: Floats
    predicted: NDArray[np.int64]
    labels: NDArray[np.int64]
    pictures: Floats | None

    @property
    def classes(self) -> NDArray[np.int64]:
        """Return the labels where they are known, else the predicted classes, (n,)."""
        return np.where(self.labels >= 0, self.labels, self.predicted)


Poison = tuple[tuple[PoisonFinding, ...], PoisonScope, Sequence[Trigger]]
"""Findings, or one without a suspicion or with the reason why nothing was checked; what was checked and what was not;
and the triggers that were found.
"""


def look_for_poison(params: StressParams, pipeline: Pipeline, ctx: JobContext) -> Poison:
    """Search the calibration set of the first part."""
    folder = Path(params.parts[0].data_dir)
    if not (folder / "calibration" / "index.json").is_file():
        return _nothing(_("There is no calibration set, so that tampering was not looked for."))
    data, items = read_dataset(folder), Prepared(folder / "calibration")
    if pipeline.spec.answer_kind != "class":
        return _nothing(_("The model gives no classes, so that tampering with the calibration set was not looked for."))
    try:
        found = features_of(Path(params.original_dir), pipeline, items, ctx)
    except (InputRefused, WorkerError) as error:
        ctx.log(f"The calibration set was not checked: {error}", "warning")
        found = None
    if found is None:
        return _nothing(_("This model's inner values cannot be looked at, so that tampering was not looked for."))
    calibration = _calibration(data, items, pipeline, *found)
    scope = _scope(calibration, data)
    triggers, planted = _triggers(calibration, data, ctx)
    findings = (*triggers, *_outliers(calibration, ctx))
    if not findings:
        return (_none_found(scope, len(calibration.names)),), scope, ()
    return findings, scope, planted


def _nothing(what: str) -> Poison:
    scope = PoisonScope(fewest=FEWEST, not_looked=(what,))
    return (PoisonFinding(check="none", level="info", what=what),), scope, ()


def _none_found(scope: PoisonScope, count: int) -> PoisonFinding:
    checked = sum(one.looked for one in scope.classes)
    what = _("No sign of tampering was found among {0:,} calibration examples.").format(count)
    if not checked:
        what = _("Nothing was looked for: no class has {0} of the {1:,} calibration examples.").format(FEWEST, count)
    elif checked < len(scope.classes):
        what = _("No sign of tampering was found in {0} of {1} classes; the others have too few examples.")
        what = what.format(checked, len(scope.classes))
    return PoisonFinding(check="none", level="info", what=what)


def _scope(calibration: Calibration, data: DataSet) -> PoisonScope:
    """Return what was checked, and what was not."""
    labels, counts = np.unique(calibration.classes, return_counts=True)
    classes = tuple(
        PoisonClass(name=data.class_name(label), n=count, looked=count >= FEWEST)
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
    )
    without = [one.name for one in classes if not one.looked]
    not_looked = []
    if without:
        shown, more = ", ".join(without[:NAMED]), len(without) - NAMED
        shown = _("{0} and {1} more").format(shown, more) if more > 0 else shown
        not_looked.append(
            _("Nothing was looked for in classes with fewer than {0} examples: {1}.").format(FEWEST, shown)
        )
    if calibration.pictures is None:
        not_looked.append(_("A shared detail is looked for in pictures of one size alone, and was not here."))
    else:
        not_looked.append(
            _("A trigger that is spread over the whole picture, or of one color on a restless ground, is not seen.")
        )
    if (calibration.labels < 0).any():
        not_looked.append(
            _("Examples without labels were taken for what the model answers: wrong labels are not seen there.")
        )
    if len(calibration.names) < FEWEST_OUTLIERS:
        not_looked.append(_("Strange single examples were not looked for: that takes {0}.").format(FEWEST_OUTLIERS))
    few, many = int(counts.min()), int(counts.max())
    text = (
        _("Its classes have {0:,} examples each; in {2} of {3} something was looked for.")
        if few == many
        else _("Its classes have {0:,} to {1:,} examples each; in {2} of {3} something was looked for.")
    )
    words = text.format(few, many, len(classes) - len(without), len(classes))
    return PoisonScope(fewest=FEWEST, classes=classes, not_looked=tuple(not_looked), words=words)


def _calibration(data: DataSet, items: Prepared, pipeline: Pipeline, features: Floats, answers: Floats) -> Calibration:
    count = len(features)
    labels = [item.labels[0] if item.labels else -1 for item in data.calibration[:count]]
    pictures: Floats | None = None
    steps = pipeline.spec.preprocess
    if data.kind == "images" and isinstance(steps, ImageSteps) and items[0][pipeline.main_input.name].ndim == 4:
        shown = [drawn(items[i][pipeline.main_input.name], steps) for i in range(count)]
        if len({one.shape for one in shown}) == 1:
            pictures = np.stack(shown).astype(np.float32) / np.float32(255)
            pictures = pictures[..., None] if pictures.ndim == 3 else pictures
    names = tuple(item.source for item in data.calibration[:count])
    predicted = np.argmax(answers, axis=1).astype(np.int64)
    return Calibration(names, features, predicted, np.asarray(labels, np.int64), pictures)


def _triggers(calibration: Calibration, data: DataSet, ctx: JobContext) -> tuple[list[PoisonFinding], list[Trigger]]:
    findings: list[PoisonFinding] = []
    triggers = []
    for label in np.unique(calibration.classes).tolist():
        ctx.check_cancelled()
        members = np.flatnonzero(calibration.classes == label)
        split = _split(calibration.features[members], ctx.seed)
        if split is None:
            continue
        small, silhouette = split
        parts = sorted((members[small], members[~small]), key=len)
        name = data.class_name(int(label))
        planted = _planted(calibration, parts, int(label))
        if planted is not None:
            part, trigger, place = planted
            what = _(
                "{0} calibration pictures of “{1}” stand apart and share the same small detail ({2}), which "
                "the other pictures do not have: it may be a planted trigger."
            ).format(len(part), name, place)
            hint = _("Look at these pictures, take them out if you did not expect it, and optimize again.")
            findings.append(_finding("trigger", "danger", what, hint, calibration, part))
            triggers.append(trigger)
        elif silhouette >= FAR_APART and _is_mislabelled(calibration, *parts):
            what = _(
                "{0} calibration examples labelled “{1}” stand apart, and the model takes nearly all for others."
            ).format(len(parts[0]), name)
            hint = _("Look whether their labels are right, and where they come from.")
            findings.append(_finding("trigger", "warning", what, hint, calibration, parts[0]))
    return findings, triggers


def _finding(
    check: Literal["trigger", "outliers"], level: Literal["warning", "danger"], what: str, hint: str,
    calibration: Calibration, which: NDArray[np.intp],
) -> PoisonFinding:  # fmt: skip
    names = tuple(calibration.names[i] for i in which[:MAX_NAMED].tolist())
    return PoisonFinding(check=check, level=level, what=what, hint=hint, items=names)


def _split(features: Floats, seed: int) -> tuple[NDArray[np.bool_], float] | None:
    """Split a class in two: return which items are in the smaller part (n,), and the silhouette.

    Returns None if the features do not separate the class, or if the smaller part is too small.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score

    n = len(features)
    if n < FEWEST or not np.isfinite(features).all() or float(features.std(axis=0).max()) == 0:
        return None
    low = PCA(min(COMPONENTS, n - 1, features.shape[1]), random_state=seed).fit_transform(features)
    parts = KMeans(2, n_init=10, random_state=seed).fit_predict(low)
    small = parts == int(np.argmin(np.bincount(parts, minlength=2)))
    if small.sum() < FEWEST_APART:
        return None
    silhouette = float(silhouette_score(low, parts))
    return (small, silhouette) if silhouette >= SILHOUETTE else None


def _planted(
    calibration: Calibration, parts: Sequence[NDArray[np.intp]], label: int
) -> tuple[NDArray[np.intp], Trigger, str] | None:
    """Return the part whose pictures share a detail that the others lack, with the detail as a trigger and its place.

    Both parts are tested, because a trigger may be in more than half of a class.
    """
    pictures = calibration.pictures
    if pictures is None:
        return None
    for part in parts:
        patch = common_patch(pictures[part], pictures[np.setdiff1d(np.arange(len(pictures)), part)])
        if patch is not None:
            window, place = patch
            usual = np.median(pictures[part], axis=0).astype(np.float32)
            mask = np.zeros(usual.shape[:2], np.float32)
            mask[window] = 1
            return part, stamp(mask, usual, f"{label}", "calibration"), place
    return None


def _is_mislabelled(calibration: Calibration, small: NDArray[np.intp], rest: NDArray[np.intp]) -> bool:
    if (calibration.labels[small] < 0).any() or len(small) > LARGEST * (len(small) + len(rest)):
        return False
    wrong = float((calibration.predicted[small] != calibration.labels[small]).mean())
    right = float((calibration.predicted[rest] == calibration.labels[rest]).mean())
    return wrong >= MISLABELLED and right >= RIGHT


def _outliers(calibration: Calibration, ctx: JobContext) -> list[PoisonFinding]:
    """Return findings about items that are far from all others.

    Distances are those of features (Mahalanobis distance, arXiv 1807.03888, shrunk covariance), and those of lightness
    and graininess of pictures.
    """
    from sklearn.covariance import LedoitWolf
    from sklearn.decomposition import PCA

    n = len(calibration.features)
    if n < FEWEST_OUTLIERS or not np.isfinite(calibration.features).all():
        return []
    parts = min(COMPONENTS, n // 4, calibration.features.shape[1])
    low = PCA(parts, random_state=ctx.seed).fit_transform(calibration.features)
    far = _robust(np.log(np.maximum(LedoitWolf().fit(low).mahalanobis(low), 1e-9))) > FAR
    if calibration.pictures is not None:
        for look in _looks(calibration.pictures):
            far |= np.abs(_robust(look)) > FAR_LOOKS
    which = np.flatnonzero(far)
    if not len(which):
        return []
    what = ngettext(
        "{0:,} calibration example is very unlike all others.",
        "{0:,} calibration examples are very unlike all others.",
        len(which),
    ).format(len(which))
    hint = _("Look at them: a single strange example can spoil the ranges that a smaller model is calibrated with.")
    return [_finding("outliers", "warning", what, hint, calibration, which)]


def _robust(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances from the median in robust standard deviations (1.4826 × median absolute deviation)."""
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    return np.asarray((values - middle) / max(spread, 1e-3), np.float64)


def _looks(pictures: Floats) -> tuple[NDArray[np.float64], ...]:
    """Return lightness (n,), and mean difference of neighboring pixels (n,), which is largest for noise."""
    steps = sum(np.abs(np.diff(pictures, axis=axis)).mean(axis=(1, 2, 3)) for axis in (2, 1))
    return pictures.mean(axis=(1, 2, 3)).astype(np.float64), np.asarray(steps, np.float64)
