"""Compute what a simple classifier learns from: one row for each item, dense, or sparse for texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.checks.base import Material

SMALL_SIDE = 16
COMPONENTS = 64
KERNELS = 400
TEXT_FEATURES = 1 << 15
Positions = NDArray[np.intp]


def rows_of(material: Material, chosen: Positions) -> Any:
    """Return the features (len(chosen), d) as float32; None if there is nothing to learn from.

    Pictures are represented by their 16 × 16 colors, texts by words and pairs of words, sounds and arrays by numbers.
    """
    if material.pictures is not None:
        small = material.pictures[0][chosen].astype(np.float32) / 255
        half = small.reshape(len(chosen), SMALL_SIDE, 2, SMALL_SIDE, 2, 3).mean(axis=(2, 4))
        gray = bool((half.max(axis=3) - half.min(axis=3)).max() < 1e-3)
        return (half[..., :1] if gray else half).reshape(len(chosen), -1)
    if material.kind == "texts":
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

        texts = [material.entries[i].text or "" for i in chosen]
        hashed = HashingVectorizer(n_features=TEXT_FEATURES, ngram_range=(1, 2), alternate_sign=False).transform(texts)
        shared = np.bincount(hashed.indices, minlength=TEXT_FEATURES) > 1  # words of a single text teach nothing
        return TfidfTransformer(sublinear_tf=True).fit_transform(hashed[:, shared]) if shared.sum() > 1 else None
    return None if material.features is None else material.features[chosen]


def classifier(rows: Any, seed: int) -> Any:
    """Return a classifier.

    Texts get a logistic regression, other data linear discriminants on a kernel map of the main components.
    """
    from scipy.sparse import issparse
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if issparse(rows):
        return LogisticRegression(C=2.0, max_iter=100)
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.kernel_approximation import Nystroem
    from sklearn.preprocessing import StandardScaler

    parts = min(COMPONENTS, rows.shape[1], rows.shape[0] // 4)
    kernels = min(KERNELS, rows.shape[0] // 4)
    steps = [PCA(parts, random_state=seed)]
    if rows.shape[1] <= SMALL_SIDE * 8:  # numbers of different units
        steps = [StandardScaler(), *steps]
    kernel = Nystroem(gamma=_gamma(rows, parts), n_components=kernels, random_state=seed)
    return make_pipeline(*steps, kernel, LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


def _gamma(rows: Any, parts: int) -> float:
    """Return one over the mean squared distance, so that the kernel is neither flat nor a list of single items."""
    scaled = rows.shape[1] <= SMALL_SIDE * 8
    variance = float(parts) if scaled else float(np.var(rows, axis=0).sum())
    return 1.0 / max(2 * variance, 1e-6)


def linear(rows: Any, seed: int) -> Any:
    """Return a plain logistic regression that separates two sets."""
    from scipy.sparse import issparse
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=1.0 if issparse(rows) else 0.1, max_iter=300, class_weight="balanced")
    return model if issparse(rows) else make_pipeline(StandardScaler(), model)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings about incomplete convergence, because results are judged on other items anyway."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
