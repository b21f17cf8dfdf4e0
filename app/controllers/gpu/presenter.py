"""Format the results of the GPU doctor as the page's value and as a report."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from widgets.pages.gpu.value import GpuValue, PlaceValue
from widgets.parts.format import size_bytes
from widgets.parts.installing.value import SetValue
from workers.contracts.gpu import NO_CARD, NOT_TRIED, GpuCard, TriedRung
from workers.contracts.translation import _, joined

NO_SETS: Mapping[str, SetValue] = MappingProxyType({})


def gpu_value(
    cards: Sequence[GpuCard],
    rows: Sequence[TriedRung],
    *,
    is_trying: bool,
    chosen: str | None = None,
    sets: Mapping[str, SetValue] = NO_SETS,
) -> GpuValue:
    """Return the results so far.

    `chosen` is the UUID of the GPU that does the work, None for the first. `sets` are the sets that the page
    can install. An installed program cannot replace its own packages, and says so. Commands are not shown.
    """
    cannot = {"installs": None, "hint": _("An installed Fettle cannot do this: the processor does the work instead.")}
    rows = [row.model_copy(update=cannot) if row.installs and row.installs not in sets else row for row in rows]
    if any(row.code == NO_CARD for row in rows):
        rows = [row for row in rows if row.code != NOT_TRIED]  # without a GPU no check waits for a repair
    title, subtitle = headline(cards, rows, is_trying=is_trying)
    return GpuValue(title, subtitle, tuple(_places(cards, rows, chosen)), is_trying, sets)


def headline(cards: Sequence[GpuCard], rows: Sequence[TriedRung], *, is_trying: bool) -> tuple[str, str]:
    """Return the headline and the sentence below it."""
    broken = next((row for row in rows if not row.ok), None)
    if is_trying:
        return _("Checking the graphics cards"), _("From the driver's files up to a calculation; it takes a moment.")
    if broken is None:
        names = ", ".join(card.name for card in cards)
        return _("Your graphics card is ready"), _("All checks passed: {0}.").format(names)
    if any(row.code == NO_CARD for row in rows):
        return _("No NVIDIA GPU found, using this computer's processor"), _(
            "Nothing is wrong: Fettle works without a graphics card."
        )
    return _("The graphics card cannot be used yet"), _("Fix the first red line below, then check again.")


def _places(cards: Sequence[GpuCard], rows: Sequence[TriedRung], chosen: str | None) -> list[PlaceValue]:
    places = []
    computer = tuple(_rungs([row for row in rows if row.card is None]))
    if computer:
        places.append(PlaceValue(_("This computer"), "", computer))
    several = len(cards) > 1
    works = chosen or (cards[0].uuid if cards else "")
    for card in cards:
        mine = tuple(_rungs([row for row in rows if row.card == card.uuid]))
        if mine:
            choice = card.uuid if several else ""
            places.append(PlaceValue(card.name, _about(card), mine, choice, card.uuid == works))
    return places


def _about(card: GpuCard) -> str:
    parts = [f"cuda:{card.index}"]
    parts += [size_bytes(card.memory_bytes)] if card.memory_bytes else []
    parts += [_("compute capability {0}").format(card.compute_capability)] if card.compute_capability else []
    parts += [_("driver {0}").format(card.driver)] if card.driver else []
    return ", ".join(parts)


def _rungs(rows: Sequence[TriedRung]) -> list[TriedRung]:
    """Return the rows with reason and remedy only at the first check that has them."""
    shown: list[TriedRung] = []
    for row in rows:
        found = _shown(row)
        mended = (found.reason, found.hint)
        if any(mended) and mended in [(one.reason, one.hint) for one in shown]:
            found = found.model_copy(update={"reason": "", "hint": "", "installs": None})
        shown.append(found)
    return shown


def _shown(row: TriedRung) -> TriedRung:
    if row.code == NOT_TRIED:
        waits = _("Not checked yet: fix the line above first.")
        more = {"found": waits, "reason": "", "hint": "", "installs": None}
        return row.model_copy(update={"title": _(row.title), **more})
    words = {"title": _(row.title), "found": _(row.found), "reason": _(row.reason), "hint": _(row.hint)}
    return row.model_copy(update=words)


def report(cards: Sequence[GpuCard], rows: Sequence[TriedRung]) -> str:
    """Return a plain text report: the GPUs, then each check with its result and reason."""
    lines = [f"{card.name} ({card.uuid}): {_about(card)}" for card in cards]
    for row in rows:
        mark = "ok" if row.ok else "not tried" if row.code == NOT_TRIED else "broken"
        where = f" [{row.card}]" if row.card else ""
        lines.append(f"{mark:<10} {row.id}{where}: {joined((row.found, row.reason))}")
    return "\n".join(lines) + "\n"
