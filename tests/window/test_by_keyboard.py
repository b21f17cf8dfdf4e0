"""The whole sample by keyboard alone: real keys, no mouse, and the focus can be seen at every step."""

from pathlib import Path

import pytest
from rig import Item, Program, Start, View
from test_whole_workflow import ROUNDS, watch_the_run

RUN_S = 240
MOST_TABS = 90
FIELDS = ("QLineEdit", "QComboBox", "ChoiceField", "TextField", "SearchField", "WholeField", "DecimalField", "LogText")


def focused(view: View) -> Item | None:
    return next((item for item in view.items if item.focus), None)


def tab_to(program: Program, name: str, key: str = "Tab") -> Item:
    """Press Tab until the control that is called so has the focus, which can be seen each time."""
    passed: list[str] = []
    for _ in range(MOST_TABS):
        view = program.see()
        item = focused(view)
        if item is not None and (item.name.startswith(name) or item.text.startswith(name)):
            return item
        passed.append("nothing" if item is None else f"{item.kind} {item.name}")
        program.keys(key)
        after = focused(program.see())
        assert after is not None, f"after {passed[-1]} the focus is nowhere"
        assert any(one.kind == "FocusRing" for one in program.see().items) or after.kind in FIELDS, (
            after.kind,
            after.name,
        )
    raise AssertionError(f"Tab does not reach {name!r}: {passed}")


def press(program: Program, name: str, key: str = "Return") -> None:
    tab_to(program, name)
    program.keys(key)


@pytest.mark.timeout(600)
def test_the_sample_by_keyboard_alone(start: Start, tmp_path: Path) -> None:
    """Given the first run, When Tab, Space, Enter and arrows are the only input, Then the sample goes from the first page
    over data, goal, run and result to a tested bundle."""
    program = start(**ROUNDS)
    program.until_page("model", "empty", 20)
    program.keys("Return")
    program.until_page("goal", limit_s=60)
    program.keys("ctrl+2")
    program.until_page("data", "full")
    press(program, "Continue", "space")
    program.until_page("goal", "full")
    tab_to(program, "Balanced")
    program.keys("Down", "Up")
    press(program, "Start (")
    watch_the_run(program)
    press(program, "See ")
    compared = program.until_page("compare", "full")
    ways = ("Choose what to write", "Export the original", "Export")  # by what a busy computer could measure
    press(program, next(way for way in ways if compared.button(way)))
    program.until_page("export", "full")
    press(program, "Export bundle")
    program.until_page("export", "done", RUN_S)
    assert program.clicks == 0
    (bundle,) = (program.home / "Documents" / "Fettle").glob("*.zip")
    assert bundle.stat().st_size
    program.check_clean()
