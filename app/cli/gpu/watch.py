"""Print live readings of all cards: a table that is redrawn on a terminal, plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.cli.output import MISSING, OK, Output
from app.cli.session import run, workspace
from app.services.machine.gpu_doctor import look_for_cards
from app.services.machine.watching import MachineReader, Readings, device_id
from workers.contracts.gpu import GpuCard, slow_down_words, slow_downs
from workers.contracts.wording import percent_of

if TYPE_CHECKING:
    from rich.table import Table

POLL_S, LINE_S, HISTORY = 0.1, 1.0, 40
BLOCKS = " ▁▂▃▄▅▆▇█"
SHOWN: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("load_pct", "Load", lambda value: percent_of(value, 0)),
    ("memory_bytes", "Memory", lambda value: f"{value / 1e9:.1f} GB"),
    ("temperature_c", "Temperature", lambda value: f"{value:.0f} °C"),
    ("power_w", "Power", lambda value: f"{value:.0f} W"),
    ("clock_hz", "Clock", lambda value: f"{value / 1e6:.0f} MHz"),
    ("energy_j", "Energy", lambda value: f"{value:.0f} J"),
)
"""Quantity, title and format of each figure; energy counts from the start of the watch."""


class Board:
    """The latest figures of each card and its recent load; owned by one watch."""

    def __init__(self, cards: tuple[GpuCard, ...]) -> None:
        """Create an empty board for these cards."""
        self.cards = cards
        self._newest: dict[tuple[str, str], float] = {}
        self._loads = {device_id(card): deque[float](maxlen=HISTORY) for card in cards}
        self._energy_from: dict[str, float] = {}
        self._lost: set[str] = set()

    def slowed(self, card: GpuCard) -> str:
        """Return why the card slows itself down now, "" if it does not or does not report it."""
        return slow_down_words(slow_downs(int(self._newest.get((device_id(card), "throttle_mask"), 0))))

    def take(self, readings: Readings) -> None:
        """Record new readings."""
        self._lost |= set(readings.lost)
        for (device, quantity), values in readings.values.items():
            if quantity == "energy_j":
                began = self._energy_from.setdefault(device, values[0])
                self._newest[device, quantity] = values[-1] - began
                continue
            self._newest[device, quantity] = values[-1]
            if quantity == "load_pct" and device in self._loads:
                self._loads[device].append(values[-1])

    @property
    def is_filled(self) -> bool:
        """Return whether each card has reported a figure or is lost."""
        read = {device for device, _ in self._newest} | self._lost
        return all(device_id(card) in read for card in self.cards)

    def figures(self, card: GpuCard) -> Iterator[tuple[str, str]]:
        """Yield (title, figure) of all shown quantities, "–" for those that the card does not report."""
        device = device_id(card)
        for quantity, title, words in SHOWN:
            value = self._newest.get((device, quantity))
            yield title, "–" if value is None or device in self._lost else words(value)

    def document(self) -> dict[str, object]:
        """Return the latest figures in their own units, null for those that are not reported."""
        rows = []
        for card in self.cards:
            device = device_id(card)
            figures = {quantity: self._newest.get((device, quantity)) for quantity, _, _ in SHOWN}
            mask = int(self._newest.get((device, "throttle_mask"), 0))
            facts = {"is_lost": device in self._lost, "slow_downs": list(slow_downs(mask))}
            rows.append({"uuid": card.uuid, "name": card.name, **facts, **figures})
        return {"cards": rows}

    def line(self, card: GpuCard) -> str:
        """Return the card's figures as one line."""
        head = f"{device_id(card)}  {card.name}"
        if device_id(card) in self._lost:
            return f"{head}  lost: it fell off the bus, or its driver gave it up"
        figures = "  ".join(f"{title.lower()} {figure}" for title, figure in self.figures(card))
        why = self.slowed(card)
        return f"{head}  {figures}" + (f"  slows itself down: {why}" if why else "")

    def table(self) -> "Table":
        """Return all figures as a table for a terminal."""
        from rich.table import Table

        table = Table(title="NVIDIA GPUs", caption="Ctrl+C ends")
        for heading in ("Card", *(title for _, title, _ in SHOWN), "Load, last seconds"):
            table.add_column(heading, justify="left" if heading in ("Card", "Load, last seconds") else "right")
        for card in self.cards:
            loads = self._loads[device_id(card)]
            curve = "".join(BLOCKS[min(8, round(load / 12.5))] for load in loads)
            state = "lost" if device_id(card) in self._lost else self.slowed(card)
            name = f"{card.name}\n{state}" if state else card.name
            table.add_row(name, *(figure for _, figure in self.figures(card)), curve)
        return table


def watch_cards(output: Output, seconds: float | None, *, is_terminal: bool) -> int:
    """Print readings until Ctrl+C or for `seconds`; the exit code is 6 without a card."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        found = run(space, look_for_cards(), output.watch)
        if not found.cards:
            output.document({"cards": []})
            output.sentence(f"{found.state.reason} {found.state.hint}")
            return MISSING
        board, reader = Board(found.cards), MachineReader(space, has_gpus=True)
        try:
            if is_terminal and not output.options.json:
                _draw(board, reader, seconds)
            else:
                _print_lines(output, board, reader, seconds)
        except KeyboardInterrupt:
            pass
        finally:
            reader.close()
    output.document(board.document())
    return OK


def _readings(reader: MachineReader, seconds: float | None) -> Iterator[Readings]:
    """Yield new readings, for `seconds` from the first one on."""
    end = None
    while end is None or time.monotonic() < end:
        readings = reader.poll()
        yield readings
        if readings.is_over:
            return
        if readings.values and end is None and seconds is not None:
            end = time.monotonic() + seconds
        time.sleep(POLL_S)


def _draw(board: Board, reader: MachineReader, seconds: float | None) -> None:
    from rich.live import Live

    with Live(board.table(), refresh_per_second=1 / POLL_S) as live:
        for readings in _readings(reader, seconds):
            board.take(readings)
            live.update(board.table())


def _print_lines(output: Output, board: Board, reader: MachineReader, seconds: float | None) -> None:
    printed_s = 0.0
    for readings in _readings(reader, seconds):
        board.take(readings)
        if board.is_filled and time.monotonic() - printed_s >= LINE_S:
            printed_s = time.monotonic()
            for card in board.cards:
                output.text(board.line(card))
