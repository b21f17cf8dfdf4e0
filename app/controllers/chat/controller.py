"""Control the page "Chat": the original and a version stay loaded while the page is shown, and reply in turn."""

from collections.abc import Sequence

from app.controllers.detail_page import DetailController
from app.controllers.page_controller import ControllerContext, ControllerSpec
from app.controllers.words import error_value
from app.domain.chat import first_difference
from app.domain.variant import Variant
from app.services.after.trying.live import LiveChat, chat_of_run, is_chat
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts
from widgets.pages.chat.page import ChatPage
from widgets.pages.chat.value import Side, Versions
from widgets.timers import every
from workers.contracts.after.chatting import ChatMessage, ChatPiece, ChatRequest
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _

POLL_MS = 30
SIDES: tuple[Side, ...] = ("original", "optimized")


class ChatController(DetailController[ChatPage]):
    """Controller of the page Chat; both processes exist only while the page is shown, and `stop()` ends them."""

    page_id = "chat"

    def __init__(self, context: ControllerContext, page: ChatPage) -> None:
        """Create the controller and connect it to its page."""
        self._chats: dict[Side, LiveChat] = {}
        self._messages: dict[Side, list[ChatMessage]] = {side: [] for side in SIDES}
        self._turn: Side | None = None
        self._options, self._answer, self._is_ready = ChatRequest(), "", False
        self._is_whole, self._speed = True, ChatPiece()
        self._timer = every(None, POLL_MS, self._on_tick)
        super().__init__(context, page)
        page.said.connect(self._on_said)
        page.stop_requested.connect(self._on_stop)
        page.new_requested.connect(self._on_new)

    def show(self) -> None:
        """Load both versions; the versions that were loaded before are closed."""
        self.stop()
        super().show()
        if self._page.state != "full" or self._chosen is None:
            return
        facts, variant = self._chosen
        try:
            for side, one in zip(SIDES, (facts.baseline, variant), strict=True):
                self._chats[side] = chat_of_run(self._session.workspace, facts, one)
        except JobError as error:
            self.stop()
            self._page.show_error(error_value(error.error, page_title=_("There is no chat now")))
            return
        self._timer.start()

    def stop(self) -> None:
        """End both processes at once and forget the dialogue."""
        self._timer.stop()
        for chat in self._chats.values():
            chat.close()
        self._chats, self._turn, self._is_ready = {}, None, False
        self._messages = {side: [] for side in SIDES}

    def versions_of(self, facts: RunFacts) -> Sequence[Variant]:
        """Return the versions that can chat: all versions of a language model, none of another model."""
        return facts.made if is_chat(facts.original_dir) else []

    def value_of(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> tuple[Versions, str]:
        """Return the choice of versions."""
        return tuple((one.id, _(one.title)) for one in versions), variant.id

    def left(self) -> None:
        """End the worker processes of both versions."""
        self.stop()

    def _on_said(self, text: str, settings: ChatRequest) -> None:
        if not self._is_ready or self._turn is not None:
            return
        self._options = settings
        for side in SIDES:
            self._messages[side].append(ChatMessage(role="user", content=text))
        self._page.begin(text)
        self._is_whole = True
        self._begin("original")

    def _begin(self, side: Side) -> None:
        self._turn, self._answer, self._speed = side, "", ChatPiece()
        messages = (*self._options.messages, *self._messages[side])
        self._chats[side].send(self._options.model_copy(update={"messages": messages}))

    def _on_stop(self) -> None:
        """Stop the current reply; the other version gets no request."""
        side = self._turn
        if side is None:
            return
        self._chats[side].send(ChatRequest())
        self._end_answer(side)
        self._page.show_end(side, self._speed)
        if side == "original":  # both continue with the same dialogue
            self._messages["optimized"].append(ChatMessage(role="assistant", content=""))
        self._turn = None
        self._page.end()

    def _on_new(self) -> None:
        self._on_stop()
        self._messages = {side: [] for side in SIDES}

    def _on_tick(self) -> None:
        for side, chat in list(self._chats.items()):
            for piece in chat.pieces():
                self._on_piece(side, piece)
            if chat.error is not None:
                error = chat.error
                self.stop()
                self._page.show_error(error_value(error, page_title=_("There is no chat now")))
                return
        if not self._is_ready and self._chats and all(chat.is_loaded for chat in self._chats.values()):
            self._is_ready = True
            self._page.show_ready()

    def _on_piece(self, side: Side, piece: ChatPiece | ErrorInfo) -> None:
        if side != self._turn:
            return
        if isinstance(piece, ErrorInfo):
            self._page.write(side, piece.detail)
            self._report(piece)
            self._is_whole = False
            self._go_on(side)
            return
        self._answer += piece.text
        self._page.write(side, piece.text)
        self._speed = piece
        self._page.show_speed(side, self._speed)
        if piece.done:
            self._go_on(side)

    def _go_on(self, side: Side) -> None:
        """Continue with the other version's reply, or end the round."""
        self._end_answer(side)
        self._turn = None
        if side == "original":
            self._begin("optimized")
        else:
            if self._is_whole:
                answers = [self._messages[one][-1].content for one in SIDES]
                self._page.show_difference(first_difference(*answers))
            self._page.end()

    def _end_answer(self, side: Side) -> None:
        self._messages[side].append(ChatMessage(role="assistant", content=self._answer))


CONTROLLER = ControllerSpec("chat", ChatController)
