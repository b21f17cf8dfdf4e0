"""Versions are tested one after the other, in an order that was set before: each at the full level, until one is not
safe. A run and what comes after it do that alike."""

import dataclasses
from collections.abc import Callable, Sequence

from app.domain.choose import is_safe
from app.domain.proof.sequence import capped, not_tested
from app.domain.variant import Variant
from app.services.flow.steps import Flow, JobError
from app.services.records.looks import LookBook
from workers.contracts.specs import Judgement


@dataclasses.dataclass(frozen=True)
class Asked:
    """A version with its answers. `book` is of the items that it and the original answered; `n_left` are not asked."""

    version: Variant
    book: LookBook
    n_left: int
    judge: Callable[[int], Flow[Judgement]]


Looked = tuple[LookBook, int]
"""Where a verdict is to be noted, and how many looks came before it."""


def prove_in_order(
    order: Sequence[Variant],
    ask: Callable[[Variant], Flow[Asked | None]],
    keep: Callable[[Variant, Looked | None], None],
    failed: Callable[[Variant, JobError], None],
) -> Flow[None]:
    """`ask` gives None where the time is up: then nothing that follows is asked. Each version goes to `keep` once it is
    settled, with the look that it was, or with its error to `failed`, which may raise it."""
    is_ended, is_over = False, False
    for place, version in enumerate(order):
        if is_over:
            keep(not_tested(version, "behind"), None)
            continue
        try:
            asked = yield from ask(version)
            if asked is None:
                for left in order[place:]:
                    keep(not_tested(left, "no_time"), None)
                return
            number = asked.book.number(version)
            judged = _judged(asked, (yield from asked.judge(number)))
        except JobError as error:
            failed(version, error)
            continue
        could_prove = asked.book.could_prove(number, judged)
        if is_ended or not could_prove:
            judged = capped(judged)
        keep(judged, (asked.book, number))
        is_ended = is_ended or not is_safe(judged)
        is_over = is_ended and could_prove


def _judged(asked: Asked, judgement: Judgement) -> Variant:
    """The version with its verdict. Examples that are there and were not asked are none that have to be added."""
    missing, left = judgement.missing_examples, asked.n_left
    if left:
        more = missing - left if missing is not None and missing > left else None
        judgement = judgement.model_copy(update={"n_unasked": left, "missing_examples": more})
    screening = asked.version.screening
    if screening is not None:
        screening = screening.model_copy(update={"untested": ""})
    return dataclasses.replace(asked.version, judgement=judgement, screening=screening)
