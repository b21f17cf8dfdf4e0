"""Another computer is added on the page Settings by a real mouse, over real SSH in a network of its own, and removed again."""

import pytest
from own_sshd import PASSWORD, Sshd
from rig import Program, Start

from app.computers.login import scan


def enter(program: Program, field: str, text: str) -> None:
    """Click into a field and type."""
    program.click(lambda view: view.find(field, "TextField"), field)
    program.screen.do("type", "--delay", 12, text)


@pytest.mark.timeout(300)
def test_computer_is_added_with_its_facts_and_removed(start: Start, far_sshd: Sshd) -> None:
    """Given a computer, When it is added with a wrong password, Then an error says so; with the right one and its fingerprint
    confirmed it is shown with what it is; When it is removed, Then nothing of Fettle is left there."""
    if not far_sshd.has_password:
        pytest.skip("a password needs an account of its own: root")
    far_sshd.place_packages()
    program = start()
    program.until_ready()
    program.press("Settings")
    program.until_page("settings", "full")

    def ask(password: str) -> None:
        program.press("Add a computer…")
        if password != PASSWORD:
            enter(program, "Address (user@computer)", far_sshd.computer.address)
            enter(program, "Name (optional)", "Office")
        enter(program, "Password on that computer", password)
        program.press("Continue")
        program.until_text(scan(far_sshd.computer).fingerprint)
        program.press("Yes, add it")

    ask("wrong")
    program.until_text("The password was not accepted")
    ask(PASSWORD)
    view = program.until_text("“Office” was added and can be used.", limit_s=120)
    cores = "1 core, " if far_sshd.machine else "core"
    assert far_sshd.computer.address in view.texts and cores in view.texts and "Debian" in view.texts
    program.press("Check Office")
    program.until_text("“Office” can be used.")
    program.press("Remove Office…")
    program.press("Remove it")
    view = program.until_text("Nothing of Fettle is left there.")
    assert far_sshd.computer.address not in view.texts and not far_sshd.workers.exists()
    program.check_clean()
