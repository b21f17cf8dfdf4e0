"""Whether so few examples can prove anything is known before a run."""

from pathlib import Path

import pytest

from app.services.data.reach import few_items, most_texts, reach_warning
from app.services.opening.opening import ReadData
from workers.contracts.jobs import DataResult


@pytest.mark.parametrize(
    ("n_test", "limit_pct", "few"),
    [(15, 1.0, True), (15, 20.0, False), (58, 1.0, True), (59, 1.0, False), (15, 0.0, True)],
)
def test_few_is_what_proves_nothing(n_test: int, limit_pct: float, few: bool) -> None:
    """Given examples, Then they are few where they neither prove the limit nor let rounded numbers be recommended; of a
    language model the next words are counted."""
    result = DataResult(
        origin="person", kind="images", n_items=n_test, n_test=n_test, n_calibration=3, labelled=False, sha256="ab" * 32
    )
    data = ReadData(result=result, folder=Path("/d"), key="k")
    assert few_items(data, limit_pct) is few
    assert not few_items(data, limit_pct, by_words=True)


@pytest.mark.parametrize(("n_test", "is_told"), [(30, True), (320, True), (321, False)])
def test_reach_warning_of_texts_names_as_many_as_of_other_examples(n_test: int, is_told: bool) -> None:
    """Given texts for a language model, Then 1 % takes 321 of them: whole texts may break."""
    result = DataResult(
        origin="person", kind="texts", n_items=n_test, n_test=n_test, n_calibration=3, labelled=False, sha256="ab" * 32
    )
    told = reach_warning(ReadData(result=result, folder=Path("/d"), key="k"), 1.0, by_words=True)
    assert (told is not None) is is_told and (told is None or "321" in told)


@pytest.mark.parametrize(
    ("n_test", "limit_pct", "most"),
    [(457, 1.0, None), (540, 1.0, 539), (5057, 1.0, 539), (5057, 5.0, 152), (5057, 0.0, None)],
)
def test_most_texts_are_those_that_the_limit_takes(n_test: int, limit_pct: float, most: int | None) -> None:
    """Given texts with 57 that Fettle adds, then 1 % takes 482 of the person's, 5 % takes 95, and no number proves 0."""
    result = DataResult(
        origin="person", kind="texts", n_items=n_test, n_test=n_test, n_added=57, n_calibration=3, labelled=False,
        sha256="ab" * 32,
    )  # fmt: skip
    assert most_texts(ReadData(result=result, folder=Path("/d"), key="k"), limit_pct) == most
