"""Control the page "Try it": both versions stay loaded while it is shown, and each input goes to both."""

from PySide6.QtGui import QImage

from app.controllers.commands import ANSWER_FOLDER, EXPORT_VERSION, PUT_ON_DESKTOP, TRY_PICTURE, on
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.serving import ServingController
from app.controllers.sounds import SoundPlayer
from app.controllers.try_it.presenter import SUFFIXES, TriedSoFar, example_value, headline, name_of, png_of, try_value
from app.controllers.words import error_value
from app.domain.variant import Variant
from app.services.after.trying.live import is_chat
from app.services.after.trying.showing import examples_to_try
from app.services.after.trying.trying import Lost, TryEvent, TryInput, TryOutcome, TryPair
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts, read_facts
from widgets.pages.try_it.page import TryPage
from widgets.pages.try_it.value import ExampleValue, InputValue
from widgets.timers import every
from workers.contracts.jobs import Example
from workers.contracts.paths import from_text
from workers.contracts.translation import _

POLL_MS = 15
PAGE = "try"


class TryController(PageController[TryPage]):
    """Controller of the page "Try it"; `stop()` ends both processes, and `_job` looks for examples."""

    def __init__(self, context: ControllerContext, page: TryPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._facts: RunFacts | None = None
        self._chosen = ""
        self._pair: TryPair | None = None
        self._is_loaded = False
        self._examples: dict[int, ExampleValue] = {}
        self._tried = TriedSoFar()
        self._queue: list[TryInput] = []
        self._next_changed = 0
        self._timer = every(self, POLL_MS, self._on_tick)
        self._sounds = SoundPlayer(page.show_sound, self)
        page.play_wanted.connect(self._sounds.play)
        page.stop_wanted.connect(self._sounds.stop)
        page.path_chosen.connect(lambda path: self.try_paths([path]))
        page.text_typed.connect(lambda text: self._request(TryInput(text=text)))
        page.example_chosen.connect(lambda item: self._request(TryInput(item=item)))
        page.again_requested.connect(self._on_again)
        page.version_chosen.connect(self._on_version)
        page.changed_requested.connect(self._on_changed)
        page.reload_requested.connect(self.show)
        page.cancel_requested.connect(self._on_cancel)
        page.export_requested.connect(context.commands.to(EXPORT_VERSION))
        page.folder_requested.connect(context.commands.to(ANSWER_FOLDER))
        page.desktop_requested.connect(context.commands.to(PUT_ON_DESKTOP))
        context.session.run_changed.connect(self._on_run_changed)
        context.flows.changed.connect(self._on_flows_changed)
        ServingController(context, page, page.service)
        self.show()

    # --- the page

    def show(self) -> None:
        """Load both versions if the page is shown; otherwise nothing stays loaded."""
        self.stop()
        run = self._session.run
        if run is None:
            self._facts = None
            self._page.show_empty()
            return
        if self._window.current_page != PAGE:
            return
        if self._flows.runs:
            self._facts = None
            self._page.show_measuring()
            return
        try:
            facts = read_facts(self._session.workspace, run.id)
            if is_chat(facts.original_dir):
                self._window.show_page("chat")  # a dialogue is tried there
                return
            self._load(facts)
        except JobError as error:
            self._facts = None
            self._page.show_error(error_value(error.error, page_title=_("This cannot be tried now")))

    def _load(self, facts: RunFacts) -> None:
        """Load a version and the original; the page keeps its content if the run is the same.

        Raises:
            JobError: if files of the run are gone.
        """
        versions = facts.made
        chosen = next((variant for variant in versions if variant.id == self._chosen), None)
        chosen = chosen or (facts.recommended if facts.recommended in versions else None) or next(iter(versions), None)
        if chosen is None:
            self._page.show_empty(has_run=True)
            return
        pair = TryPair(self._session.workspace, facts, chosen)
        if self._facts is None or self._facts.run.id != facts.run.id or self._page.state != "full":
            if self._facts is not None and self._facts.run.id != facts.run.id:
                self._tried.clear()
            self._page.show_value(try_value(facts, versions, chosen))
            self._page.show_tried(self._tried.lines)
        self._facts, self._pair, self._chosen = facts, pair, chosen.id
        self._is_loaded = False
        if not self._tried.last:
            self._page.show_opening()
        self._look_for_examples(facts, chosen)
        self._timer.start()

    def stop(self) -> None:
        """End both processes; the tried inputs stay on the page."""
        self._timer.stop()
        self._sounds.stop()
        self._queue.clear()
        if self._pair is not None:
            self._pair.close()
            self._pair = None

    def reshow(self) -> bool:
        """Draw the page again with what was tried; both versions are loaded when it is shown."""
        facts = self._facts
        chosen = facts.variant(self._chosen) if facts is not None else None
        if facts is None or chosen is None or self._page.state != "full":
            return super().reshow()
        self.stop()
        self._page.show_value(try_value(facts, facts.made, chosen))
        self._page.show_tried(self._tried.lines)
        return True

    def shown(self) -> None:
        """Accept pictures without a file, and load both versions."""
        self._window.takes_pictures = True
        if self._pair is None:
            self.show()

    def left(self) -> None:
        """End the worker processes that hold both versions."""
        self._window.takes_pictures = False
        self.stop()

    def _on_run_changed(self) -> None:
        self._chosen = ""
        self._facts = None
        self._tried.clear()
        self.show()

    def _on_flows_changed(self) -> None:
        """Show that nothing can be tried while versions are measured."""
        if self._window.current_page == PAGE and bool(self._flows.runs) != (self._page.state == "measuring"):
            self.show()

    # --- inputs

    def take_paths(self, paths: list[str]) -> bool:
        """Try the dropped files, if they are input files for the model, and no model or data set."""
        if self._facts is None or self._facts.data is None:
            return False
        suffixes = SUFFIXES[self._facts.data.kind]
        files = [from_text(path) for path in paths]
        if not files or not all(file.suffix.lower() in suffixes and file.is_file() for file in files):
            return False
        self.try_paths(paths)
        return True

    def try_paths(self, paths: list[str]) -> None:
        """Try the files one after another."""
        first, *more = [TryInput(path=path) for path in paths]
        self._request(first)
        self._queue = more

    def take_text(self, text: str) -> None:
        """Try a text."""
        self._page.type_text(text)

    def try_picture(self, image: QImage) -> None:
        """Try a picture that was pasted or dropped without a file."""
        self._window.show_page(PAGE)
        self._request(TryInput(png=png_of(image)))

    def _request(self, tried: TryInput) -> None:
        self._queue.clear()
        if self._pair is None:
            self.show()
        if self._pair is not None:
            self._pair.request(tried)
            self._page.show_working()

    def _on_again(self, number: int) -> None:
        tried = self._tried.input_of(number)
        if tried is not None:
            self._request(tried)

    def _on_changed(self) -> None:
        """Try the next example whose prediction changed."""
        changed = [value.item for value in self._examples.values() if value.changed]
        if changed:
            self._request(TryInput(item=changed[self._next_changed % len(changed)]))
            self._next_changed += 1

    def _on_version(self, variant_id: str) -> None:
        facts, pair = self._facts, self._pair
        variant = facts.variant(variant_id) if facts is not None else None
        if facts is None or pair is None or variant is None or variant.id == self._chosen:
            return
        self._chosen, self._is_loaded = variant_id, False
        last = self._tried.last
        try:
            pair.choose(variant)
        except JobError as error:
            self.stop()
            self._page.show_error(error_value(error.error, page_title=_("This cannot be tried now")))
            return
        self._page.show_opening()
        if last is not None and not pair.is_busy:
            pair.request(last.given)
        self._look_for_examples(facts, variant)

    def _on_cancel(self) -> None:
        """Cancel the current request by loading both versions again."""
        self._page.show_opening()
        self.show()

    # --- results

    def _on_tick(self) -> None:
        pair = self._pair
        if pair is None:
            return
        for event in pair.poll():
            self._on_event(event)
        if self._pair is pair and pair.is_loaded and not self._is_loaded:
            self._is_loaded = True
            self._on_loaded(pair)

    def _on_loaded(self, pair: TryPair) -> None:
        if pair.is_busy:
            self._page.show_working()
        elif self._tried.last is not None:
            self._show_answers(self._tried.last)
        else:
            self._page.show_ready()

    def _on_event(self, event: TryEvent) -> None:
        if isinstance(event, Lost):
            self._on_lost(event)
            return
        example = self._examples.get(event.given.item) if event.given.item is not None else None
        if isinstance(event, TryOutcome):
            self._page.show_input(self._tried.add(event, example))
            self._show_answers(event)
            self._page.show_tried(self._tried.lines)
        else:
            name = name_of(event.given, example)
            self._page.set_texts(_("This one cannot be tried"), name)
            self._page.show_problem(error_value(event.error), InputValue(caption=name))
        if self._queue and self._pair is not None:
            self._pair.request(self._queue.pop(0))

    def _on_lost(self, event: Lost) -> None:
        self.stop()
        self._facts = None
        title = _("“{0}” cannot be tried now").format(_(event.variant.title))
        self._page.show_error(error_value(event.error, page_title=title))

    def _show_answers(self, tried: TryOutcome) -> None:
        self._page.show_answers(tried.before, tried.after)
        self._page.set_texts(*headline(tried))

    def _look_for_examples(self, facts: RunFacts, variant: Variant) -> None:
        self._start(examples_to_try(self._session.workspace, facts, variant), self._on_examples)

    def _on_examples(self, rows: tuple[Example, ...]) -> None:
        facts = self._facts
        self._examples = {row.item: example_value(row, facts) for row in rows} if facts is not None else {}
        self._next_changed = 0
        self._page.show_examples(list(self._examples.values()))


CONTROLLER = ControllerSpec(PAGE, TryController, does=(on(TRY_PICTURE, TryController.try_picture),))
