"""The page "Chat": it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="chat",
    title=lambda: QCoreApplication.translate("closer", "Chat"),
    icon="chats",
    place="below",
    order=10,
    widget=f"{__name__}.page:ChatPage",
    below="try",
)
