"""Show the machine's figures in one line."""

from collections.abc import Mapping

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from widgets.parts.text import label
from widgets.telemetry import DeviceValue, Series, figure_of, title_of, used_of_total


class SlimLine(QWidget):
    """Name and value of each known figure; figures that the device does not report are left out. Owned by the dock."""

    def __init__(self) -> None:
        """Create an empty line."""
        super().__init__()
        self.pairs: list[tuple[QLabel, QLabel]] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(24)
        self._row.addStretch(1)

    def show_values(self, device: DeviceValue, values: Mapping[Series, float | None], lost: str) -> None:
        """Show the newest values, or `lost` as the sentence about a device that no longer responds."""
        known = [(series, value) for series, value in values.items() if value is not None]
        said = [(title_of(device, series, short=True), self._figure(device, series, v)) for series, v in known]
        if lost:
            said = [(device.name, lost)]
        while len(self.pairs) < len(said):
            self._add_pair()
        for (name, figure), (title, text) in zip(self.pairs, said, strict=False):
            for widget, new in ((name, title), (figure, text)):
                if widget.text() != new:
                    widget.setText(new)
        for index, pair in enumerate(self.pairs):
            for widget in pair:
                widget.setVisible(index < len(said))
        self.setAccessibleName(", ".join(f"{title} {text}" for title, text in said))

    @staticmethod
    def _figure(device: DeviceValue, series: Series, value: float) -> str:
        if series == "memory_bytes" and device.memory_total_bytes:
            return used_of_total(value, device.memory_total_bytes)
        return figure_of(series, value)

    def _add_pair(self) -> None:
        name, figure = label("", "caption", wrap=False), label("", wrap=False)
        figure.setProperty("role", "small")
        pair = QHBoxLayout()
        pair.setSpacing(4)
        pair.addWidget(name)
        pair.addWidget(figure)
        self._row.insertLayout(len(self.pairs), pair)
        self.pairs.append((name, figure))
