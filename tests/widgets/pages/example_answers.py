"""Made-up answers in any number, for tests of the page "All answers" and its pictures."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from widgets.pages.answers.page import AnswersPage
from widgets.pages.answers.table import AnswersTable
from widgets.pages.answers.value import AnswerColumns, AnswersValue, LookValue, Texts
from widgets.parts.pictures import PictureValue

CLASSES = (
    "tabby cat",
    "Egyptian cat",
    "golden retriever",
    "Labrador retriever",
    "sports car",
    "convertible",
    "espresso",
)


def pack(texts: list[str]) -> Texts:
    encoded = [text.encode() for text in texts]
    return Texts(b"".join(encoded), np.cumsum([len(part) for part in encoded], dtype=np.int64))


def answer_columns(n: int, labelled: bool = True, names: list[str] | None = None) -> AnswerColumns:
    """One answer in twenty changed; half of these for the worse where there are labels."""
    rng = np.random.default_rng(1)
    before = rng.integers(0, len(CLASSES), n).astype(np.int32)
    after = np.where(rng.random(n) < 0.05, rng.integers(0, len(CLASSES), n), before).astype(np.int32)
    label = np.where(rng.random(n) < 0.7, before, after).astype(np.int32) if labelled else np.full(n, -1, np.int32)
    kind = np.where(before == after, 0, np.where(label == before, 2, 3 if labelled else 1)).astype(np.uint8)
    shown = names or [
        f"pictures/{CLASSES[at].replace(' ', '_')}/img_{number:06}.jpg" for number, at in enumerate(before)
    ]
    shares = np.clip(rng.normal(0.86, 0.12, n), 0.2, 0.999).astype(np.float32)
    return AnswerColumns(
        number=np.arange(n, dtype=np.int64),
        kind=kind,
        before=before,
        after=after,
        label=label,
        before_share=shares,
        after_share=np.clip(shares + rng.normal(0, 0.02, n), 0.2, 0.999).astype(np.float32),
        similarity=np.full(n, np.nan, np.float32),
        name_rank=np.argsort(np.argsort(np.asarray(shown))).astype(np.int32),
        name=pack(shown),
        folded=pack([name.casefold() for name in shown]),
        names=CLASSES,
    )


def vector_columns(n: int) -> AnswerColumns:
    """Similarity instead of classes."""
    base = answer_columns(n, labelled=False, names=[f"How do I return order number {i * 37 % n}?" for i in range(n)])
    similarity = (1 - np.random.default_rng(2).exponential(0.0003, n)).astype(np.float32)
    none, unknown = np.full(n, -1, np.int32), np.full(n, np.nan, np.float32)
    return AnswerColumns(
        base.number, (similarity < 0.999).astype(np.uint8), none, none, none, unknown, unknown, similarity,
        base.name_rank, base.name, base.folded, (),
    )  # fmt: skip


def all_answers(n: int = 191, labelled: bool = True) -> AnswersValue:
    versions = (("v1", "8-bit numbers in OpenVINO"), ("v2", "16-bit numbers (BF16)"))
    return AnswersValue(versions, "v1", answer_columns(n, labelled), labelled=labelled)


def all_vectors(n: int = 191) -> AnswersValue:
    return AnswersValue((("v1", "8-bit numbers"),), "v1", vector_columns(n), kind="texts", answers="vector")


def looked(number: int, picture: PictureValue) -> LookValue:
    return LookValue(number, picture, "tabby cat", "tabby cat")


def answers_chosen(page: AnswersPage, ex: ModuleType) -> None:
    """The second row, with its picture."""
    page.show_value(all_answers())
    choose_row(page, 1, ex)


def answers_sound(page: AnswersPage, ex: ModuleType) -> None:
    """Answers that are no classes, to sounds; there is no loudspeaker."""
    page.show_value(replace(all_vectors(), kind="audio"))
    choose_row(page, 1, ex, sound=b"RIFF", levels=ex.live_sound().levels, picture=PictureValue())
    page.show_sound("no_device")


def choose_row(page: AnswersPage, row: int, ex: ModuleType, **more: Any) -> None:
    table = page.findChild(AnswersTable)
    assert table is not None
    table.setCurrentIndex(page._model.index(row, 1))
    page.show_looks((replace(looked(row, ex.live_input().picture), **more),))
