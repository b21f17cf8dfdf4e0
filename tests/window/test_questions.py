"""What the window asks, what it refuses, and what comes in an unusual order."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from rig import Start, View
from small_model import write_model

TRACE = """
import sys, torch
net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
torch.jit.script(net.eval()).save(sys.argv[1])
"""


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("this must never run",)


@pytest.mark.timeout(180)
def test_program_in_a_file_needs_consent_and_code_in_a_pickle_is_refused(start: Start, tmp_path: Path) -> None:
    """Given a TorchScript file, Then the window asks before it runs it, and for the size that it does not say; given a
    pickle that runs code, Then it is refused in words, with what is safe and what to do now."""
    script = tmp_path / "scripted.pt"
    subprocess.run([sys.executable, "-c", TRACE, str(script)], check=True, timeout=120)
    program = start(str(script))
    program.until(lambda view: view.modal == "This model contains a program", 60, "the question for consent")
    program.press("Open it, I trust its maker")
    program.until(lambda view: view.modal == "How large is its input?", 60, "the question for the size")
    field = program.until(lambda view: view.find("Input", "TextField") or view.find("input", "TextField"), 10)
    program.click(lambda view: next(item for item in view.items if item.kind == "TextField"), "the field")
    program.keys("ctrl+a")
    program.type("1x3x32x32")
    program.press("Open with this size")
    program.until_page("model", "full", 90)
    program.until_text("scripted", "With your consent it ran in the sandbox")
    assert field.strays == ()

    bad = tmp_path / "stranger.pt"
    bad.write_bytes(pickle.dumps(RunsCode()))
    program.drop(bad)
    program.until_page("model", "error", 60)
    seen = program.until_text("Is my work safe?", "What to do now", "Choose another file…")
    assert "stranger.pt" in seen.texts
    assert "this must never run" not in program.errors.read_text(encoding="utf-8")


def focused(view: View) -> str:
    item = next((item for item in view.items if item.focus), None)
    return "" if item is None else item.name or item.text


@pytest.mark.timeout(240)
def test_every_page_by_keys_in_light_and_dark(start: Start, tmp_path: Path) -> None:
    """Given an open model, When only keys are pressed, Then every page, its buttons and the looks can be reached."""
    program = start(str(write_model(tmp_path / "colors.onnx")))
    program.until_page("model", "full", 30)
    pages = ("model", "data", "goal", "optimize", "compare", "try", "export", "jobs", "settings")
    for number, page in enumerate(pages, 1):
        program.keys(f"ctrl+{number}")
        view = program.until_page(page)
        seen: list[str] = []
        for _ in range(60):
            program.keys("Tab")
            name = focused(program.see())
            if name in seen and name == seen[0]:
                break
            seen.append(name)
        assert "" not in seen, (page, seen)
        assert {"try": "Try it"}.get(page, page.capitalize()) in seen, (page, seen)
        assert view.strays == ()

    program.to_top()
    program.click(lambda view: view.find("Dark", "QRadioButton"), "dark looks")
    for number, page in enumerate(pages, 1):
        program.keys(f"ctrl+{number}")
        program.until_page(page)
    program.keys("ctrl+9")
    assert program.until_page("settings").find("Dark", "QRadioButton").checked
    program.keys("ctrl+q")
    assert program.process.wait(60) == 0
    assert program.errors.read_text(encoding="utf-8") == ""
