"""Show the page "Under load": the request rate of a version next to the original, and its cost."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.detail_page import BelowCompare
from widgets.pages.load.cards import AskCards, CostCard, facts_card
from widgets.pages.load.value import LoadFormValue, LoadValue, PriceValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card
from widgets.parts.cards.error import ErrorValue
from widgets.parts.layout import LEFT, held, in_columns, in_row
from widgets.parts.small import PageHead, figure_row
from widgets.parts.text import words
from widgets.plots.as_table import as_table
from widgets.plots.curve_plot import Curve, CurvePlot
from widgets.theme import Theme
from widgets.tokens import SPACE_L
from workers.contracts.translation import _


class LoadPage(BelowCompare):
    """The page "Under load"; `start_requested(version id, seconds, limit of latency in ms or 0)` starts the test.

    `again_requested` shows the form again, `result_requested` the stored result. `price_changed(per hour, currency,
    percent)` and `example_chosen(id)` set the price of an hour.
    """

    start_requested = Signal(str, float, float)
    again_requested = Signal()
    result_requested = Signal()
    price_changed = Signal(float, str, float)
    example_chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Under load"))
        self._cost: CostCard | None = None

    # -- states --
    def show_empty(self) -> None:
        """Show that nothing was optimized yet."""
        go = PrimaryButton(self.theme, _("Choose a goal"), "target", on=self._to("goal"))
        title = _("Nothing to measure under load yet")
        text = _("Once a model was optimized, see here how many requests it answers, and what they cost.")
        self._fill_empty("gauge", title, text, go)

    def show_question(self, value: LoadFormValue) -> None:
        """Show the form for version and duration."""
        cards = AskCards(self.theme, value)
        back = GhostButton(self.theme, _("Back to the result"), "chart-bar", on=self.result_requested)
        start = PrimaryButton(self.theme, _("Start"), "play", on=lambda: self._start(cards))
        head = PageHead(
            _("Measure under load"),
            _("Batches, random request times, cold starts, cost and energy. Do not use the computer meanwhile."),
            back if value.can_go_back else self._back(),
            start,
        )
        self._fill("ask", head, cards)

    def _start(self, cards: AskCards) -> None:
        self.start_requested.emit(cards.version, cards.seconds, cards.limit_ms)

    def show_value(self, value: LoadValue) -> None:
        """Show the results."""
        again = PrimaryButton(self.theme, _("Measure again…"), "arrow-clockwise", on=self.again_requested)
        self._cost = CostCard(self.theme, value.price, self.example_chosen)
        self._cost.price_changed.connect(self.price_changed)
        self._fill(
            "full",
            PageHead(value.headline, value.subtitle, self._back(), again),
            figure_row(value.figures) if value.figures else None,
            words(value.note, "caption") if value.note else None,
            self._plots(value),
            self._cost,
            in_columns([facts_card(*one) for one in value.facts], 1 if self.is_narrow else 2),
        )

    def show_price(self, value: PriceValue) -> None:
        """Show the costs at another price, without other changes."""
        if self._cost is not None and self.state == "full":
            self._cost.show_price(value)

    def _loading_head(self) -> tuple[str, str]:
        return (
            _("Measuring under load"),
            _("You may leave this page. Other work on this computer distorts the figures."),
        )

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        again = PrimaryButton(self.theme, _("Try again…"), "arrow-clockwise", on=self.again_requested)
        return again, self._back()

    # -- parts --
    def _plots(self, value: LoadValue) -> QWidget | None:
        cards = []
        if value.throughput:
            plot = CurvePlot(
                self.theme,
                _("Answers a second over batch size"),
                _("Batch size (inputs in one request)"),
                _("Answers a second (up is better)"),
                doubling=True,
                mark=_("95 % of the best"),
            )
            cards.append(self._plot_card(_("Larger batches"), plot, value.throughput))
        if value.latency:
            plot = CurvePlot(
                self.theme,
                _("Latency over request rate"),
                _("Requests a second, at random moments"),
                _("Half of the answers within, ms (down is better)"),
            )
            cards.append(self._plot_card(_("More requests"), plot, value.latency))
        if not cards:
            return None
        return held(in_row(*((card, 1) for card in cards), gap=SPACE_L))

    def _plot_card(self, title: str, plot: CurvePlot, curves: tuple[Curve, ...]) -> Card:
        plot.set_curves(curves)
        fold, table = as_table(self.theme, plot.accessibleName(), plot.titles, plot.rows)
        return Card(title, plot, (fold, LEFT), table)
