"""Control the page "Under load": choose version and duration, run the load test alone, show the record."""

import time

from app.controllers.load.presenter import ask_value, load_value, price_value
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.run_facts import open_facts
from app.controllers.words import notice
from app.services.after.loading import Stage, measure_load, stages
from app.services.flow.events import Event, JobBegan, StepProgress
from app.services.records.after_run import LoadRecord, Price, read_price, write_price
from app.services.records.facts import RunFacts
from presets.prices import example_prices
from widgets.pages.load.page import LoadPage
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import about
from widgets.timers import every
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _, mark

TICK_MS = 500


class LoadController(PageController[LoadPage]):
    """Controller of the page "Under load"; it shows the record of the open run or the running load test."""

    def __init__(self, context: ControllerContext, page: LoadPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._facts: RunFacts | None = None
        self._record: LoadRecord | None = None
        self._plan: tuple[Stage, ...] = ()
        self._at = 0
        self._since_s = 0.0
        self._timer = every(self, TICK_MS, self._on_tick)
        page.start_requested.connect(self.start)
        page.again_requested.connect(self.request)
        page.result_requested.connect(self.show)
        page.cancel_requested.connect(self._job.cancel)
        page.price_changed.connect(self._on_price)
        page.example_chosen.connect(self._on_example)
        context.session.run_changed.connect(self.show)
        self.show()

    # --- the page

    def show(self) -> None:
        """Show the newest record of the open run, else the form; a running load test continues."""
        run = self._session.run
        if self._job.is_busy:
            if run is not None and self._facts is not None and run.id == self._facts.run.id:
                return
            self._job.drop()  # another run is open; the results so far are in the store
            self._stopped()
        self._record, self._facts = None, open_facts(self._session, self._page, _("Under load"))
        if self._facts is None:
            return
        newest = next(iter(self._facts.loads.values()), None)
        if newest is not None:
            self._show_record(newest)
        else:
            self.request()

    def _show_record(self, record: LoadRecord) -> None:
        self._record = record
        price = read_price(self._session.workspace.repositories)
        self._page.show_value(load_value(record, price, example_prices()))

    def request(self) -> None:
        """Show the form for version and duration."""
        if self._facts is None:
            self.show()
            return
        self._page.show_question(ask_value(self._facts, self._record))

    # --- measurement

    def start(self, variant_id: str, seconds: float, max_latency_ms: float = 0.0) -> None:
        """Start the load test, unless another job runs on this computer.

        Args:
            variant_id: the version to test in turn with the original.
            seconds: the duration of each part.
            max_latency_ms: the latency limit; 0 for none.
        """
        facts = self._facts
        if facts is None or self._job.is_busy:
            return
        if self._flows.runs or self._others():
            self._window.banner(_not_now(self._others()))
            return
        variant = facts.variant(variant_id)
        limit_ms = max_latency_ms or None
        self._plan, self._at, self._since_s = stages(facts, variant, seconds, limit_ms), 0, time.monotonic()
        self._window.set_measuring(True)
        self._timer.start()
        self._start(
            measure_load(self._session.workspace, facts, variant, seconds, limit_ms),
            self._on_done,
            title=_("Measure {0} under load").format(facts.project.name),
            on_failed=self._on_failed,
            on_cancelled=lambda: self._on_failed(None),
            observe=self._on_event,
            measures=True,
            computer=facts.run.goal.computer,
        )
        self._on_tick()

    def _others(self) -> list[str]:
        """Return the titles of other running jobs."""
        return [r.title for r in self._flows.active if r.title and not r.yields_to_measurements and not r.measures]

    def _on_event(self, event: Event) -> None:
        index = event.index if isinstance(event, StepProgress) else None
        index = event.step_index if isinstance(event, JobBegan) else index
        if index is not None and index != self._at:
            self._at, self._since_s = index, time.monotonic()
            self._on_tick()

    def _on_tick(self) -> None:
        """Show the progress by the expected times, within a step up to 95 % of it."""
        if not self._job.is_busy or not self._plan:
            return
        stage = self._plan[min(self._at, len(self._plan) - 1)]
        spent_s = time.monotonic() - self._since_s
        left_s = max(0.0, stage.expected_s - spent_s) + sum(later.expected_s for later in self._plan[stage.index + 1 :])
        share = min(0.95, spent_s / stage.expected_s)
        left = _("{0} left").format(about(left_s)) if left_s else ""
        text = _("{0} (step {1} of {2})").format(stage.title, stage.index + 1, len(self._plan))
        self._page.show_loading(text, (stage.index + share) / len(self._plan), 1.0, left)

    def _on_done(self, record: LoadRecord) -> None:
        self._stopped()
        if self._facts is not None:
            self._show_record(record)

    def _on_failed(self, error: ErrorInfo | None) -> None:
        """End the load test and show the previous record."""
        self._stopped()
        self.show()
        if error is not None:
            self._report(error)

    def _stopped(self) -> None:
        self._timer.stop()
        self._window.set_measuring(False)

    # --- price of an hour

    def _on_price(self, per_hour: float, currency: str, utilization_pct: float) -> None:
        price = None
        if per_hour > 0 and currency:
            today, share = time.strftime("%Y-%m-%d"), utilization_pct / 100
            what = mark("your own price")
            price = Price(per_hour=per_hour, currency=currency, what=what, date=today, utilization=share)
        self._keep(price)

    def _on_example(self, example_id: str) -> None:
        example = next((known for known in example_prices() if known.id == example_id), None)
        if example is None:
            return
        kept = read_price(self._session.workspace.repositories)
        price = Price(
            per_hour=example.per_hour, currency=example.currency, what=example.title, source=example.source,
            date=example.date.isoformat(), utilization=kept.utilization if kept is not None else 0.5,
        )  # fmt: skip
        self._keep(price)

    def _keep(self, price: Price | None) -> None:
        write_price(self._session.workspace.repositories, price)
        if self._record is not None:
            self._page.show_price(price_value(self._record, price, example_prices()))


def _not_now(others: list[str]) -> ErrorValue:
    """Return the message that two simultaneous measurements would disturb each other."""
    title = _("“{0}” goes on").format(others[0]) if others else _("Versions are being measured now")
    return notice(
        title,
        _("Measuring at the same time would distort the figures."),
        _("Start when it is over: measuring at the same time would distort the figures."),
        icon="hourglass",
    )


CONTROLLER = ControllerSpec("load", LoadController)
