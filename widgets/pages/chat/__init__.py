"""The page "Chat": it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec("chat", mark("Chat"), "chats", f"{__name__}.page:ChatPage", order=10, below="try")
