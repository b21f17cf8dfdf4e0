"""Format which examples a result is based on, and the list of changed examples, for the page Compare."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from app.controllers.wordings import marked_pair
from app.controllers.words import notice
from app.services.after.run_data import EvaluatedExamples
from widgets.pages.compare.value import ChangesValue, ChangeValue, CompareValue, EvaluatedValue
from widgets.parts.boxes import boxed, masked
from widgets.parts.cards.error import ErrorValue
from widgets.parts.pictures import PictureValue
from workers.contracts.jobs import Example
from workers.contracts.specs import Judgement
from workers.contracts.translation import _, joined
from workers.contracts.wording import about


def with_data(
    value: CompareValue, evaluated: EvaluatedExamples, chosen: str | None, alone_s: float | None = None
) -> CompareValue:
    """Return the page's value with the facts about its examples.

    `chosen` is the path of the project's current examples. `alone_s` is the expected time in seconds to prove the
    undecided version on them.
    """
    evaluated_value = None
    if evaluated.n_left:
        takes = about(evaluated.rest_s) if evaluated.rest_s is not None else ""
        evaluated_value = EvaluatedValue(
            evaluated.n_evaluated,
            evaluated.n_test,
            evaluated.stopped == "memory",
            takes,
            as_planned=not evaluated.stopped,
        )
    note = joined((_name_words(evaluated.path, chosen), value.note))
    undecided = value.undecided
    if undecided is not None and alone_s is not None:
        undecided = replace(undecided, takes=about(alone_s))
    return replace(value, evaluated=evaluated_value, note=note, undecided=undecided)


def _name_words(path: str | None, chosen: str | None) -> str:
    """Return the name of the result's examples, with the name of other examples that were chosen since."""
    if not path:
        return ""
    name = PurePath(path).name
    if chosen is None or chosen == path:
        return _("The result is of “{0}”.").format(name)
    text = _("The result is of “{0}”, and not of “{1}”, which you have chosen since.")
    return text.format(name, PurePath(chosen).name)


def changes_value(rows: Sequence[Example], judged: Judgement) -> ChangesValue:
    """Return the examples whose prediction changed; the total includes examples that are not listed."""
    labelled = any(row.label is not None for row in rows)
    words = (judged.units_changed or 0, judged.units or 0)
    total = judged.changed_count + len(judged.beside_changed)
    # an older verdict does not record which of its notes decided it
    reasons = judged.reasons or (judged.notes if judged.verdict == "regressed" and not total else ())
    return ChangesValue(total, tuple(_change(row) for row in rows), labelled, *words, joined(reasons))


def _change(row: Example) -> ChangeValue:
    picture = PictureValue(path=row.picture, name=row.text) if row.picture else PictureValue(text=row.text)
    picture = boxed(picture, row.boxes_before, row.boxes_after)
    masks = (PictureValue(path=path or "") for path in (row.mask_before, row.mask_after))
    parts = marked_pair(row.before, row.after) if row.is_text else ((), ())
    return ChangeValue(masked(picture, *masks), row.before, row.after, row.label, row.kind, *parts)


def proved_value(added: int, known: int, merged: int) -> ErrorValue:
    """Return the message about added examples that do not count, with the reason."""
    reasons_left_out = []
    if known:
        one, many = _("1 of them was already there"), _("{0:,} of them were already there").format(known)
        reasons_left_out.append(one if known == 1 else many)
    if merged:
        one, many = _("1 was a copy of another one"), _("{0:,} were copies of others").format(merged)
        reasons_left_out.append(one if merged == 1 else many)
    return notice(
        _("Not all of the examples are new: {0}").format(_(", and ").join(reasons_left_out)),
        _("Examples that are identical for the model count once: a copy proves nothing more."),
        _("1 was new and counts.") if added == 1 else _("{0:,} were new and count.").format(added),
        is_safe=_("Yes. Your files were only read."),
        icon="info",
    )
