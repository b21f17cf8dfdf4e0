"""Control the page Hub: a new search stops the previous one, and the hub is queried only by the user."""

from dataclasses import replace

from app.controllers.commands import CHOOSE_MODEL, OPEN_SAMPLE, SEARCH_HUB, on
from app.controllers.hub.chosen import NOTHING, ChosenModel
from app.controllers.hub.downloads import Downloads
from app.controllers.hub.presenter import problem_value, row_detail, starter_detail, starters_value
from app.controllers.hub.words import does_words, task_choices, understood
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.domain.hub import Wish, format_kind
from app.services.hub.flows import FoundModels, find_models
from presets.starters import Starter, load_starters
from widgets.pages.hub.page import HubPage
from widgets.pages.hub.value import HubListValue, HubQueryValue, HubRowValue
from workers.contracts.hub import HubModel, HubQuery
from workers.contracts.translation import _, localized
from workers.contracts.wording import in_sentence

MAX_TEXT = 200


class HubController(PageController[HubPage]):
    """Controller of the page Hub."""

    def __init__(self, context: ControllerContext, page: HubPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._starters: dict[str, Starter] = {starter.repo: starter for starter in load_starters()}
        self._form = HubQueryValue()
        self._query = HubQuery()
        self._models: dict[str, HubModel] = {}
        self._is_start = True
        self.downloads = Downloads(context.session.workspace, context.flows, self)
        self._chosen = ChosenModel(context, page, self.downloads, self._on_safe_wanted)
        page.search_requested.connect(self.search)
        page.list.more_requested.connect(self._on_more)
        page.cancel_requested.connect(self.show_starters)
        page.list.chosen.connect(self._on_chosen)
        page.file_requested.connect(context.commands.to(CHOOSE_MODEL))
        page.sample_requested.connect(context.commands.to(OPEN_SAMPLE))
        page.downloads.pause_requested.connect(self.downloads.pause)
        page.downloads.cancel_requested.connect(self.downloads.cancel)
        self.downloads.changed.connect(lambda: page.downloads.show_values(self.downloads.values))
        page.bar.set_tasks(task_choices())
        self.downloads.find_arrivals()
        self.show_starters()

    def shown(self) -> None:
        """Show downloads that were started elsewhere meanwhile."""
        self.downloads.find_arrivals()

    def reshow(self) -> bool:
        """Keep what was found and what is downloaded, because the hub is only asked when the user searches."""
        return super().reshow() or not self._is_start or bool(self.downloads.values)

    def start(self, text: str) -> None:
        """Open the page from another page, with a search for `text`, or with the starters if it is empty."""
        self._window.show_page("hub")
        form = HubQueryValue(text=text[:MAX_TEXT])
        self._page.start(form)
        self.search(form)

    def show_starters(self) -> None:
        """Show the starter models, which need no request to the hub."""
        self._job.drop()
        self._is_start = True
        self._page.show_list(starters_value(tuple(self._starters.values())))
        self._chosen.choose(NOTHING, queries=False)

    def search(self, form: HubQueryValue) -> None:
        """Query the hub; a pending search is cancelled."""
        self._form = form
        if form == HubQueryValue():
            self.show_starters()
            return
        if self._is_start:
            self._chosen.choose(NOTHING, queries=False)
        task, text = (form.task, form.text) if form.task else understood(form.text)
        self._query = HubQuery(text=text[:MAX_TEXT], task=task or None, sort=form.sort)
        self._models.clear()
        self._begin(self._query)

    def _begin(self, query: HubQuery) -> None:
        self._page.show_searching()
        self._start(
            find_models(self._session.workspace, query, self._wish),
            lambda found: self._on_found(query, found),
            on_failed=lambda error: self._page.show_problem(problem_value(error)),
        )

    @property
    def _wish(self) -> Wish:
        form = self._form
        return Wish(form.business, form.max_bytes, form.runs_here, self._memory_bytes)

    @property
    def _memory_bytes(self) -> int | None:
        described = self._session.described
        return described.device.memory_bytes if described is not None else None

    # --- results

    def _on_found(self, query: HubQuery, answer: FoundModels) -> None:
        self._is_start = False
        self._models.update({model.repo: model for model in answer.models})
        self._query = query.model_copy(update={"cursor": answer.next_cursor})
        if not self._models and answer.next_cursor is None:
            self._page.show_nothing(*self._nothing(answer))
            return
        memory_bytes = self._memory_bytes
        rows = tuple(
            HubRowValue(model, does_words(model.task), format_kind(model, memory_bytes))
            for model in self._models.values()
        )
        first = rows[0].model.repo if rows and query.cursor is None else ""
        note = self._note(len(rows), answer)
        self._page.show_list(HubListValue(rows, note, answer.next_cursor is not None, chosen=first))
        self._on_chosen(self._page.list.table.chosen_id)

    def _nothing(self, answer: FoundModels) -> tuple[str, str]:
        words = self._form.text or does_words(self._form.task)
        if answer.looked_at:
            text = _("The hub found {0} for “{1}”, but none matches the choices above.")
            return _("Nothing fits"), text.format(localized(answer.looked_at), words)
        return _("Nothing found"), _("The hub found nothing for “{0}”. Try fewer or other words.").format(words)

    def _note(self, count: int, answer: FoundModels) -> str:
        parts = [_("{0} shown.").format(localized(count))]
        if not self._wish.is_empty:
            parts = [_("{0} shown; {2} of the last {1} found match.")]
            parts = [parts[0].format(localized(count), localized(answer.looked_at), localized(len(answer.models)))]
        if self._form.max_bytes is not None:
            parts.append(_("Models without a stated size are left out."))
        if self._query.task and not self._form.task:
            parts.insert(0, _("Understood as: {0}.").format(in_sentence(does_words(self._query.task))))
        parts.append(_("The hub states license, size and format. The safety check runs after the download."))
        return " ".join(parts)

    def _on_more(self) -> None:
        if self._query.cursor is not None and not self._job.is_busy:
            self._begin(self._query)

    def _on_chosen(self, repo: str) -> None:
        if repo == self._chosen.repo and repo:
            return
        if not repo:
            self._chosen.choose(NOTHING, queries=False)
        elif self._is_start:
            self._chosen.choose(starter_detail(self._starters[repo]), queries=False)
        else:
            self._chosen.choose(row_detail(self._models[repo]), queries=True)

    def _on_safe_wanted(self, name: str) -> None:
        form = replace(self._form, text=name, runs_here=True)
        self._page.start(form)
        self.search(form)


CONTROLLER = ControllerSpec("hub", HubController, does=(on(SEARCH_HUB, HubController.start),))
