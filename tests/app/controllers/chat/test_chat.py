"""Tests of a language model in the window: its facts, its goals, its speed, and a chat with both versions."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from finished_chat import INT8, chat_space
from read_page import words
from records import Drive

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from widgets.main_window import MainWindow
from widgets.pages.chat.page import ChatPage
from workers.contracts.after.chatting import ChatRequest


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    yield from chat_space(tmp_path, None, INT8)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_language_model_is_shown_and_both_versions_chat(
    app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    # Given a finished run of a language model
    app_controller.session.reopen(space.repositories.projects.get("p1"))
    window.show_page("model")
    shown = words(window.page("model"))
    assert "up to 512 tokens at once" in shown and "with 4 bits per weight" in shown and "are free now" in shown
    assert "It fits unchanged, with 16 bits per weight." in shown
    window.show_page("goal")
    shown = words(window.page("goal"))
    assert "Fastest chat" in shown and "Fits into memory" in shown and "Small device" not in shown
    window.show_page("compare")
    shown = words(window.page("compare"))
    assert "First token after" in shown and "next words kept" in shown
    # When the person tries it, Then it is a chat, both loaded together
    window.show_page("try")
    page = window.page("chat")
    assert window.current_page == "chat" and isinstance(page, ChatPage)
    controller = app_controller._controllers["chat"]
    drive(lambda: controller._is_ready)
    pids = [chat._client.pid for chat in controller._chats.values()]
    page.said.emit("the old cat", ChatRequest(max_new_tokens=12))
    drive(lambda: controller._turn is None)
    talks = [talk.text for talk in page._talks.values()]
    assert all("You: the old cat" in text for text in talks)
    assert len(controller._messages["original"]) == len(controller._messages["optimized"]) == 2
    assert "tokens a second" in words(page)
    answers = [talk[-1].content for talk in controller._messages.values()]
    same = answers[0] == answers[1]
    assert ("Both answers are identical." if same else "from the marked words on") in words(page)
    # And a long answer can be stopped, which ends no process
    page.said.emit("and now", ChatRequest(max_new_tokens=400))
    drive(lambda: controller._answer)
    page.stop_requested.emit()
    assert controller._turn is None
    shown = words(page)
    assert ", stopped" in shown and "Not generated, because you stopped" in shown
    assert "Waiting for its turn" not in shown
    page.said.emit("again", ChatRequest(max_new_tokens=3))
    drive(lambda: controller._turn is None)
    assert [chat._client.pid for chat in controller._chats.values()] == pids
    # And nothing stays loaded behind the page
    window.show_page("export")
    assert not controller._chats and not any(psutil.pid_exists(pid) for pid in pids)
