"""The page "Chat": it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec("chat", _("Chat"), "chats", f"{__name__}.page:ChatPage", order=10, below="try")
