"""Run `fettle gpu doctor` and `fettle gpu watch`: what works on which card, and the live readings."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

from typer import Option

from app.cli.output import MISSING, OK, Output
from app.cli.session import run, workspace
from app.services.machine.gpu_doctor import Ladder, examine
from workers.contracts.gpu import NOT_TRIED, GpuCard, TriedRung

CARD_FIELDS = ("uuid", "name", "compute_capability", "driver", "memory_bytes")
RUNG_FIELDS = ("id", "card", "ok", "found", "reason")


def doctor(output: Output) -> int:
    """Print what works on which card, and what repairs the rest; the exit code is 6 unless every check succeeds."""
    printer = RungPrinter(output)
    with workspace(output.options, writes=False, notice=output.notice) as space:
        ladder = run(space, examine(printer.print_rung, printer.set_cards), output.watch)
    output.document(document(ladder))
    names = printer.names
    printed = {headline(ladder)}  # a repair is printed once, and only at the end if the last sentence contains it
    for row in ladder.rungs:
        if not row.ok and row.code != NOT_TRIED and _why(row) not in printed:
            printed.add(_why(row))
            where = f", {names[row.card]}" if row.card in names else ""
            output.text(f"\n{row.title}{where}: {row.reason}\n   {_hint(row)}")
    output.sentence(headline(ladder))
    return OK if ladder.first_broken is None else MISSING


class RungPrinter:
    """Prints checks as they complete, for one diagnosis; with several cards, each begins with its name.

    `names` maps the UUIDs of cards to their names.
    """

    def __init__(self, output: Output) -> None:
        """Create a printer that writes to `output`."""
        self._output = output
        self._card: str | None = None
        self.names: dict[str | None, str] = {}

    def set_cards(self, cards: Sequence[GpuCard]) -> None:
        """Take the names of the cards."""
        if len(cards) > 1:
            self.names = {card.uuid: f"{card.name} (cuda:{card.index})" for card in cards}

    def print_rung(self, row: TriedRung) -> None:
        """Print one check."""
        if row.card != self._card and row.card in self.names:
            self._output.text(f"\n{self.names[row.card]}")
        self._card = row.card
        self._output.text(_line(row))


def document(ladder: Ladder) -> dict[str, Any]:
    """Return the diagnosis as the document of docs/command-line.md."""
    cards = [{name: getattr(card, name) for name in CARD_FIELDS} for card in ladder.cards]
    rungs = [{**{name: getattr(row, name) for name in RUNG_FIELDS}, "hint": _hint(row)} for row in ladder.rungs]
    return {"cards": cards, "rungs": rungs}


def _hint(row: TriedRung) -> str:
    """Return the repair with its command, if it has one."""
    return f"{row.hint} Run: {row.command}" if row.command else row.hint


def _line(row: TriedRung) -> str:
    mark = "ok    " if row.ok else "–     " if row.code == NOT_TRIED else "broken"
    return f"{mark} {row.title:<32} {row.found if row.ok else row.found or row.reason}"


def headline(ladder: Ladder) -> str:
    """Return the result of the diagnosis as one sentence."""
    broken = ladder.first_broken
    if broken is None:
        names = ", ".join(card.name for card in ladder.cards)
        return f"Every rung holds: {names} can do the work."
    return _why(broken)


def _why(row: TriedRung) -> str:
    """Return why a check failed and what repairs it."""
    return f"{row.reason} {_hint(row)}"


def watch(
    output: Output,
    seconds: Annotated[float | None, Option(min=0.1, help="Seconds until it ends (default: until Ctrl+C).")] = None,
) -> int:
    """Print live readings of all cards."""
    from app.cli.gpu.watch import watch_cards

    return watch_cards(output, seconds, is_terminal=sys.stdout.isatty())
