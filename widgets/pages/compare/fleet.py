"""Show the results of one goal on several computers: a table of versions by devices, and what to take where."""

from collections.abc import Callable

from PySide6.QtCore import Qt

from widgets.pages.compare.value import DeviceValue, FleetValue, OnDeviceValue
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, TableCard
from widgets.parts.format import at_least, ms, times
from widgets.parts.layout import in_column, in_flow
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.translation import _

OPEN_STATES = ("alike", "not_enough_data", "not_settled", "unconfirmed", "not_tested", "unmeasured")
"""Verdicts of versions that are neither safe nor refused."""
SLOW_STATES = ("not_faster", "alike_slower", "slow_tail")


def fleet_card(theme: Theme, value: FleetValue, on_device: Callable[[str], None]) -> Card:
    """Return the card; `on_device` gets the id of the run whose result a person wants to see."""
    title = label(_("On each computer"), "section")
    buttons = [_button(theme, device, on_device) for device in value.devices if not device.is_shown]
    advice = [words(_for_all(value)), words("\n".join(map(_for_one, value.devices)), "soft")]
    head = in_column(title, *advice, in_flow(*buttons), gap=SPACE_S, edges=(SPACE_L - 1, SPACE_M, SPACE_M, SPACE_S))
    columns = [Column(_("Version"), stretch=True), *(Column(_title(device), right=True) for device in value.devices)]
    table = Table(theme, _("Versions on each computer"), columns, tall=True)
    table.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    rows = [
        TableRow(name, (Cell(name, strong=name == value.for_all), *map(_cell, cells))) for name, cells in value.rows
    ]
    table.show_rows(rows, value.for_all or value.rows[0][0])
    return TableCard(head, table, name=_("On each computer"))


def _button(theme: Theme, device: DeviceValue, on_device: Callable[[str], None]) -> GhostButton:
    text = _("Show the result on {0}").format(device.name) if device.name else _("Show the result on this computer")
    return GhostButton(theme, text, "chart-bar", "small", on=lambda: on_device(device.run_id))


def _for_all(value: FleetValue) -> str:
    if not value.for_all:
        return _("No version is safe and faster on all of them. Take the best one for each computer.")
    text = _("One for all: “{0}” is safe on each of these computers.")
    if value.worst is not None and value.worst > 1:
        text = _("One for all: “{0}” is safe on each of these computers, and at least {1} as fast.")
    return text.format(value.for_all, times(value.worst))


def _for_one(device: DeviceValue) -> str:
    if not device.best:
        return _("{0}: keep the original.").format(_title(device))
    if device.speedup is None:
        return _("{0}: take “{1}”.").format(_title(device), device.best)
    return _("{0}: take “{1}”, {2} as fast.").format(_title(device), device.best, times(device.speedup))


def _title(device: DeviceValue) -> str:
    return device.name or _("This computer")


def _cell(value: OnDeviceValue) -> Cell:
    """Return the time, and below it the speedup or why there is none."""
    if value.verdict is None:
        return Cell(_("not made"), tone="soft")
    if value.verdict in ("original", "keep"):
        return Cell(ms(value.latency_ms), strong=value.is_best)
    below = "" if value.speedup is None else at_least(value.speedup) if value.is_bound else times(value.speedup)
    if value.verdict in OPEN_STATES:
        below = _("{0}, not proven").format(below) if below else _("not proven")
    elif value.verdict in SLOW_STATES:
        below = _("not faster")
    elif value.verdict != "safe":
        below = _("not made") if value.verdict in ("dropped", "cut_off") else _("not safe")
    return Cell(ms(value.latency_ms), strong=value.is_best, below=below, tone="" if value.verdict == "safe" else "soft")
