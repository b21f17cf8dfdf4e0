"""The whole sample by keyboard alone: real keys, no mouse, and the focus can be seen at every step."""

from pathlib import Path

import pytest
from rig import Item, Program, Start, View
from small_model import write_quick_preset
from test_whole_workflow import watch_the_run

MOST_TABS = 90
FIELDS = ("QLineEdit", "QComboBox", "ChoiceField", "TextField", "SearchField", "WholeField", "DecimalField", "LogText")


def focused(view: View) -> Item | None:
    return next((item for item in view.items if item.focus), None)


def tab_to(program: Program, name: str, key: str = "Tab") -> Item:
    """Press Tab until the control that is called so has the focus, which can be seen each time."""
    passed: list[str] = []
    item = focused(program.see())
    for _ in range(MOST_TABS):
        if item is not None and (item.name.startswith(name) or item.text.startswith(name)):
            return item
        passed.append("nothing" if item is None else f"{item.kind} {item.name}")
        program.keys(key)
        view = program.see()
        item = focused(view)
        assert item is not None, f"after {passed[-1]} the focus is nowhere"
        assert any(one.kind == "FocusRing" for one in view.items) or item.kind in FIELDS, (item.kind, item.name)
    raise AssertionError(f"Tab does not reach {name!r}: {passed}")


def press(program: Program, name: str, key: str = "Return") -> None:
    tab_to(program, name)
    program.keys(key)


@pytest.mark.timeout(600)
def test_the_sample_by_keyboard_alone(start: Start, tmp_path: Path) -> None:
    """Given the first run, When Tab, Space, Enter and arrows are the only input, Then the sample goes from the first page
    over data, goal, run and result until a bundle is written."""
    write_quick_preset(tmp_path / "home")
    program = start()
    program.until_page("model", "empty", 20)
    program.keys("Return")
    program.until_page("goal", limit_s=60)
    program.keys("ctrl+2")
    program.until_page("data", "full")
    press(program, "Continue", "space")
    program.until_page("goal", "full")
    tab_to(program, "Balanced")
    while not focused(program.see()).name.startswith("Quick"):
        program.keys("Down")
    press(program, "Start (")
    watch_the_run(program)
    press(program, "See ")
    compared = program.until_page("compare", "full")
    ways = ("Choose what to write", "Export the original", "Export")  # by what a busy computer could measure
    press(program, next(way for way in ways if compared.button(way)))
    program.until_page("export", "full")
    press(program, "Export bundle")
    program.until_text("Writing the bundle")
    assert program.clicks == 0
    program.check_clean()
