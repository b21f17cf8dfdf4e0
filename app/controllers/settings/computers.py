"""Control the section of the other computers: add, check and remove them in the background."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.computers.fitting import trouble
from app.computers.packing import workers_version
from app.computers.pairing import Request, SetupStatus, find
from app.computers.records import Computer, ComputerFacts, computers, parse_address
from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.running import Running
from app.controllers.words import error_words
from app.services.flow.steps import Flow
from app.services.machine.computers import add_computer, check_computer, read_host_key, remove_computer
from widgets.dialogs.computer_questions import AddressDialog, fingerprint_question, removal_question
from widgets.dialogs.questions import ask
from widgets.pages.settings.computers import ComputerRow, ComputersValue
from widgets.pages.settings.page import SettingsPage
from widgets.parts.format import size_bytes
from widgets.timers import every
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused
from workers.contracts.translation import _, joined, ngettext

log = logging.getLogger(__name__)

REPORT_EVERY_MS = 300


class ComputersSection(PageController[SettingsPage]):
    """The section of other computers on the page Settings, owned by that page's controller."""

    def __init__(self, context: ControllerContext, page: SettingsPage) -> None:
        """Create the section and connect it to its page."""
        super().__init__(context, page)
        self._status, self._message, self._problem = SetupStatus(), "", ""
        self._entered = "", ""
        self._timer = every(self, REPORT_EVERY_MS, self.show)
        actions: dict[str, Callable[[str], object]] = {
            "add": lambda _name: self.add(), "stop": self._on_stop, "check": self._on_check, "remove": self._on_remove,
            "update": self._on_update,
        }  # fmt: skip
        page.computer_requested.connect(lambda action, name: actions[action](name))
        self.show()

    def show(self) -> None:
        """Show all computers and the progress."""
        is_busy = self._job.is_busy
        self._page.show_section(
            ComputersValue(
                rows=tuple(map(self._row, computers(self._session.workspace.paths.computers))),
                at_work=self._status.line if is_busy else "",
                share=self._status.share,
                message=self._message,
                problem=self._problem,
            )
        )

    @staticmethod
    def _row(one: Computer) -> ComputerRow:
        facts = facts_lines(one.facts) if one.facts is not None else ()
        is_old = one.facts is None or workers_version() not in one.facts.versions
        return ComputerRow(one.name, one.address, facts, _(trouble(one, workers_version())), is_old)

    def _begin(self, line: str, flow: Flow[Any], on_done: Callable[[Any], None], title: str = "") -> None:
        self._message = self._problem = ""
        self._status.show(line)
        self._timer.start()
        self._start(flow, on_done, title=title, on_failed=self._on_failed, on_cancelled=self._on_cancelled)
        self.show()

    def _end(self, message: str = "", problem: str = "") -> None:
        self._timer.stop()
        self._message, self._problem = message, problem
        self.show()

    def _on_failed(self, error: ErrorInfo) -> None:
        log.warning("%s: %s %s %s", error.code, error.detail, error.facts, error.traceback)
        self._end(problem=error_words(error))

    def _on_cancelled(self) -> None:
        self._end(_("Stopped. Nothing was left half done."))

    def _on_stop(self, _name: str) -> None:
        self._job.cancel()

    def add(self) -> None:
        """Ask for the address of a computer, unless another one is being added."""
        if not self._job.is_busy:
            AddressDialog(self._context.theme, self._window, self._entered, self._on_address).open()

    def _on_update(self, name: str) -> None:
        """Ask for the password again, because only the person's login may install code there."""
        self._entered = find(self._session.workspace.paths.computers, name).address, name
        self.add()

    def _on_address(self, address: str, name: str, password: str, identity: str) -> None:
        """Read the host key of the computer, which the person then confirms."""
        self._entered = address, name
        known = computers(self._session.workspace.paths.computers)
        key_file = Path(identity).expanduser() if identity else None
        try:
            target = parse_address(address, name, known=known)
            if key_file is not None and not key_file.is_file():
                raise InputRefused(
                    "no_key_file",
                    _("There is no such key file"),
                    _("{0} does not exist.").format(key_file),
                    _("Choose the file of a private key of yours, or enter a password."),
                )
        except InputRefused as error:
            self._end(problem=error_words(error.info()))
            return
        line = _("Looking for {0}…").format(target.address)
        self._begin(line, read_host_key(target), lambda key: self._on_key(Request(target, key, password, key_file)))

    def _on_key(self, request: Request) -> None:
        self._end()
        address, key = request.computer.address, request.host_key
        question = fingerprint_question(self._context.theme, self._window, address, key.fingerprint)
        ask(question, add=lambda: self._add(request))

    def _add(self, request: Request) -> None:
        if not self._job.is_busy:
            flow = add_computer(self._session.workspace, request, self._status)
            title = _("Add {0}").format(request.computer.name)
            self._begin(_("Logging in"), flow, self._on_added, title)

    def _on_added(self, added: Computer) -> None:
        self._entered = "", ""
        self._end(_("“{0}” was added and can be used.").format(added.name))

    def _on_check(self, name: str) -> None:
        if not self._job.is_busy:
            self._begin(
                _("Checking {0}…").format(name), check_computer(self._session.workspace, name), self._on_checked
            )

    def _on_checked(self, checked: Computer) -> None:
        works = "" if trouble(checked, workers_version()) else _("“{0}” can be used.").format(checked.name)
        self._end(works)

    def _on_remove(self, name: str) -> None:
        if not self._job.is_busy:
            jobs = [running.title for running in self._using(name)]
            ask(removal_question(self._context.theme, self._window, name, jobs), remove=lambda: self._remove(name))

    def _using(self, name: str) -> list[Running]:
        """Return the running and waiting jobs that measure on a computer."""
        return [running for running in self._flows.everything if running.computer == name]

    def _remove(self, name: str) -> None:
        for running in self._using(name):
            self._flows.cancel(running)
        flow = remove_computer(self._session.workspace, name, lambda: bool(self._using(name)))
        self._begin(_("Removing {0}…").format(name), flow, self._on_removed)

    def _on_removed(self, reached: bool) -> None:
        self._end(
            _("The computer was removed. Nothing of Fettle is left there.")
            if reached
            else _("The computer was removed here. It was not reached, so Fettle's files are still there.")
        )


def facts_lines(facts: ComputerFacts) -> tuple[str, ...]:
    """Return what a computer is in lines for people."""
    memory, free = size_bytes(facts.memory_bytes), size_bytes(facts.free_disk_bytes)
    cards = [_("{0} ({1})").format(card.name, size_bytes(card.memory_bytes)) for card in facts.cards]
    return (
        joined([f"{facts.processor} ({facts.arch})", *facts.feature_titles], ", "),
        ngettext(
            "{0} core, {1} memory, {2} free on its disk", "{0} cores, {1} memory, {2} free on its disk", facts.cores
        ).format(facts.cores, memory, free),
        joined([facts.os, f"Python {facts.python}", *cards], ", "),
    )
