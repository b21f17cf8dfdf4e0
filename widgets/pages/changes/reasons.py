"""Show why a version is faster, slower or answers otherwise, in sentences that lead to their operators."""

from collections.abc import Callable, Sequence

from widgets.icons import IconLabel
from widgets.pages.changes.value import ChangesValue
from widgets.parts.buttons import FoldButton, GhostButton, Slot
from widgets.parts.card import Card
from widgets.parts.format import percent
from widgets.parts.layout import LEFT, MIDDLE, Item, held, in_column, in_row
from widgets.parts.text import Tone, words
from widgets.theme import Theme
from widgets.tokens import SPACE_S
from workers.contracts.after.change_words import error_words, name_of, nodes_of
from workers.contracts.after.changes import DiffResult, ExplainResult, Reason
from workers.contracts.translation import _, joined

MOST_SHOWN = 3

Show = Callable[[Sequence[int], str], None]
"""Called with the positions of the operators and the sentence that they belong to."""


def reasons_card(theme: Theme, value: ChangesValue, result: DiffResult, on_show: Show, on_explain: Slot) -> Card:
    """Return the card of all sentences, later reasons folded; `on_explain` looks for the cause of other answers."""
    reasons = [_reason(theme, reason, result, on_show) for reason in result.reasons]
    rows, more = reasons[:MOST_SHOWN], reasons[MOST_SHOWN:]
    if result.difference is not None:
        text, nodes = result.difference.text, nodes_of(result.difference, result.nodes)
        tone: Tone = "warn" if result.first_different is None else "bad"
        rows.append(_line(theme, "target", tone, text, _link(theme, nodes, text, on_show)))
    rows += _answers(theme, value, on_explain)
    if more:
        folded = held(in_column(*more))
        rows += [(FoldButton(theme, _("More reasons ({0})").format(len(more)), "small", opens=folded), LEFT), folded]
    rows += [words(_(note), "caption") for note in result.notes]
    return Card("", *rows, name=_("Why"))


def _reason(theme: Theme, reason: Reason, result: DiffResult, on_show: Show) -> Item:
    text = joined((reason.text, reason.advice))
    button = _link(theme, nodes_of(reason, result.nodes), text, on_show)
    if reason.saved_ms is not None and reason.saved_ms < 0:
        return _line(theme, "warning", "warn", text, button)
    return _line(theme, "clock", "", text, button)


def _answers(theme: Theme, value: ChangesValue, on_explain: Slot) -> list[Item]:
    """Return why the version answers otherwise, or the button that looks for it."""
    if value.explained is not None:
        return [_line(theme, *line) for line in cause_lines(value.explained)]
    if value.n_changed == 0:
        return [_line(theme, "check-circle", "ok", _("Both gave the same answer on every test example."))]
    text = _("It was not tested whether both answer the same.")
    if value.n_changed:
        one, more = _("1 test example gets another answer."), _("{0:,} test examples get another answer.")
        text = one if value.n_changed == 1 else more.format(value.n_changed)
    if not value.can_explain:
        return [_line(theme, "info", "", text)]
    button = GhostButton(theme, _("Why does it answer otherwise?"), size="small", on=on_explain)
    return [_line(theme, "info", "", text, button)]


def cause_lines(found: ExplainResult) -> list[tuple[str, Tone, str]]:
    """Return icon, tone and sentence of each cause."""
    if found.agree:
        return [("check-circle", "ok", _("Both answer the same on {0:,} examples.").format(found.n_items))]
    lines: list[tuple[str, Tone, str]] = [("warning", "warn", cause.text) for cause in found.causes]
    if not lines:
        text = _("{0:,} usual differences were tried on {1:,} examples; none explains why {2} of the answers differ.")
        text = text.format(found.tried, found.n_items, percent(found.share_differing, 0))
        if found.diff is not None and (node := found.diff.first_node) is not None:
            text += " " + _("The first operator that differs is “{0}”: {1}.").format(name_of(node), error_words(node))
        lines.append(("x-circle", "bad", text))
    return lines


def _line(theme: Theme, icon: str, tone: Tone, text: str, button: GhostButton | None = None) -> Item:
    return in_row((IconLabel(theme, icon, tone or "soft"), MIDDLE), (words(text), 1), button, gap=SPACE_S)


def _link(theme: Theme, nodes: Sequence[int], sentence: str, on_show: Show) -> GhostButton | None:
    if not nodes:
        return None
    text = _("Show it") if len(nodes) == 1 else _("Show all {0:,}").format(len(nodes))
    return GhostButton(theme, text, size="small", name=f"{text}: {sentence}", on=lambda: on_show(nodes, sentence))
