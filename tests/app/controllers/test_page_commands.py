"""Tests of the commands between pages and of the specifications of all controllers."""

import pytest

from app.controllers import commands
from app.controllers.commands import EXPORT_VERSION, OPEN_MODEL
from app.controllers.page_controller import check_pairs, find_controllers
from widgets.commands import Command, Commands
from widgets.page_registry import find_pages

BY_NO_PAGE = {"CHOOSE_LANGUAGE", "MODEL_OPENED", "OPEN_RUN", "RESUME_RUN", "EXTEND_RUN", "REPEAT_RUN", "MEASURE_ON"}


def test_command_runs_its_handler() -> None:
    """Given a handler, then `do` returns its result, and a callable for signals does the same."""
    made, got = Commands(), []
    made.offer(OPEN_MODEL, got.append)
    made.do(OPEN_MODEL, "a")
    made.to(OPEN_MODEL)("b")
    assert got == ["a", "b"]


def test_missing_or_second_handler_is_an_error() -> None:
    """Given a command without a handler or with two, then the error names it."""
    made = Commands()
    with pytest.raises(LookupError, match="export of a version"):
        made.do(EXPORT_VERSION, "v1")
    made.offer(EXPORT_VERSION, print)
    with pytest.raises(ValueError, match="export of a version"):
        made.offer(EXPORT_VERSION, print)


def test_each_command_has_one_handler() -> None:
    """Given all declared commands, then one page's controller handles each, or the window itself."""
    declared = {name: value for name, value in vars(commands).items() if isinstance(value, Command)}
    assert len({command.id for command in declared.values()}) == len(declared)
    done = [command.id for spec in find_controllers().values() for command, _method in spec.does]
    assert sorted(done) == sorted(command.id for name, command in declared.items() if name not in BY_NO_PAGE)


def test_each_page_has_its_controller_in_the_folder_of_its_name() -> None:
    """Given all pages, then widgets and controller of a page are in two folders of one name."""
    controllers = find_controllers()
    pages = {page.id: page.widget.split(".")[2] for page in find_pages()}
    check_pairs(pages, controllers)
    folders = {page_id: spec.make.__module__.split(".")[2] for page_id, spec in controllers.items()}
    assert folders == pages


def test_page_or_controller_without_counterpart_is_named() -> None:
    """Given a page without a controller and a controller without a page, then both are named."""
    with pytest.raises(ValueError, match="unlike one, three"):
        check_pairs(["one", "two"], ["two", "three"])
