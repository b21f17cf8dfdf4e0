"""Control the hub section of Settings: downloaded models, their projects, removal and the token."""

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.words import error_words
from app.services.flow.steps import JobError
from app.services.hub.flows import forget, hub_address, token_place
from app.services.hub.model_cache import ModelCache, downloaded_models, remove_model
from widgets.dialogs.hub_questions import removal_question
from widgets.dialogs.questions import ask
from widgets.pages.hub.kept import KeptHubValue, KeptModelValue
from widgets.pages.settings.page import SettingsPage
from workers.contracts.translation import _


class HubSection(PageController[SettingsPage]):
    """The hub section of the page Settings, owned by that page's controller.

    The section is read again at each visit. The user is asked before a model is removed that projects use.
    """

    def __init__(self, context: ControllerContext, page: SettingsPage) -> None:
        """Create the section and connect it to its page."""
        super().__init__(context, page)
        page.hub_removal_requested.connect(self._on_removal)
        page.hub_forget_requested.connect(self._on_forget)
        self.show()

    def show(self, problem: str = "") -> None:
        """Show all downloaded models and partial downloads."""
        space = self._session.workspace
        model_cache = ModelCache(space.paths.hub)
        whole = [
            KeptModelValue(
                kept.stored.key, kept.stored.origin.repo, kept.stored.size_bytes, kept.used_by, is_busy=kept.running
            )
            for kept in downloaded_models(space)
        ]
        parts = [
            KeptModelValue(one.key, one.repo, model_cache.received_bytes(one.key), is_whole=False)
            for one in model_cache.pending_downloads()
        ]
        value = KeptHubValue((*parts, *whole), model_cache.free_bytes(), token_place(space), hub_address(), problem)
        self._page.show_section(value)

    def _on_removal(self, key: str) -> None:
        kept = next((kept for kept in downloaded_models(self._session.workspace) if kept.stored.key == key), None)
        if kept is None or not kept.used_by:
            self._remove(key, is_whole=kept is not None)
            return
        dialog = removal_question(self._context.theme, self._window, kept.stored.origin.repo, kept.used_by)
        ask(dialog, remove=lambda: self._remove(key, is_whole=True))

    def _remove(self, key: str, *, is_whole: bool) -> None:
        space = self._session.workspace
        try:
            if is_whole:
                remove_model(space, key)
            else:
                ModelCache(space.paths.hub).discard(key)
        except JobError as error:
            self.show(error_words(error.error))
            return
        self.show()

    def _on_forget(self) -> None:
        self.show("" if forget(self._session.workspace) else _("There was no token to forget."))
