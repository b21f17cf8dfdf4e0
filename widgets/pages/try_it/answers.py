"""Describe the prediction of a live version in words and rows."""

from widgets.parts.format import cosine, percent
from workers.contracts.after.trying import TryAnswer
from workers.contracts.translation import _, localized

MOST_ROWS = 5
Rows = tuple[tuple[str, float], ...]


def title_of(answer: TryAnswer) -> str:
    """Return the prediction in a few words."""
    if answer.kind == "class":
        return answer.rows[0][0]
    if answer.kind == "score":
        return percent(answer.rows[0][1])
    if answer.kind == "moments":
        return _("up to {0}").format(percent(answer.rows[-1][1]))
    if answer.kind == "boxes":
        return _("{0:,} found").format(answer.size) if answer.size else _("Nothing found")
    if answer.kind == "text":
        return _("A text of {0:,} tokens").format(answer.size)
    if answer.kind == "values":
        return _("1 number") if answer.size == 1 else _("{0:,} numbers").format(answer.size)
    return _("No answer")


def details_of(answer: TryAnswer, *, is_compared: bool) -> tuple[str, Rows, str]:
    """Return the line below the title, rows of (name, share 0..1), and a note.

    `is_compared` marks the version that is compared with the original.
    """
    note = ""
    if is_compared and answer.similarity is not None:
        note = _("Similarity to the original’s answer: {0}").format(cosine(answer.similarity))
    if answer.kind == "nothing":
        return "", (), _("Its result for this input is not a number (NaN).")
    if answer.kind == "values":
        shown = ", ".join(localized(value, ".3g") for value in answer.values)
        return f"{shown} …" if answer.size > len(answer.values) else shown, (), note
    if answer.kind == "text":
        return answer.text, (), note
    if answer.kind == "boxes":
        return _("Confidence"), tuple((box.name, box.score) for box in answer.boxes[:MOST_ROWS]), note
    if answer.kind == "moments":
        names = {"mean": _("On average"), "largest": _("At its largest")}
        rows = tuple((names.get(name, name), share) for name, share in answer.rows)
        return _("Its score over {0:,} moments").format(answer.size), rows, note
    return _("Confidence"), answer.rows, note
