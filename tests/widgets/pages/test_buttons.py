"""What the buttons of all pages request."""

from types import ModuleType
from typing import Any

import pytest
from page_states import STATES

from tests.widgets.qt_actions import press
from widgets.theme import Theme

CARD_FOLDER = "/home/mira/Documents/Fettle/clothes-classifier-1.zip"
BUTTONS: tuple[tuple[str, str, str, list[object]], ...] = (
    ("model-empty", "Try the sample (about 1 minute)", "sample_requested", []),
    ("model-full", "Continue to data", "continue_requested", []),
    ("model-full", "Choose another model…", "another_requested", []),
    ("model-loading", "Cancel", "cancel_requested", []),
    ("model-error", "Look in the hub", "hub_requested", [""]),
    ("data-empty", "Continue without data", "no_data_chosen", []),
    ("data-made", "Continue", "continue_requested", []),
    ("data-error", "Continue without data", "no_data_chosen", []),
    ("goal-empty", "Pick a model", "page_wanted", ["model"]),
    ("goal-full", "Start (about 1 minute)", "run_requested", []),
    ("compare-empty", "Choose a model", "page_wanted", ["model"]),
    ("compare-safe", "Export…", "export_requested", ["a"]),
    ("compare-not-proven", "Export anyway…", "export_anyway_requested", ["a"]),
    ("compare-nothing-faster", "Set the limit to 4 %", "set_limit_requested", [4.0]),
    ("compare-nothing-faster", "Add pictures…", "page_wanted", ["data"]),
    ("compare-nothing-faster", "Show the log", "page_wanted", ["optimize"]),
    ("compare-nothing-faster", "Export the original…", "export_requested", ["o"]),
    ("compare-busy", "Measure again", "again_requested", []),
    ("compare-untested", "Prove it (about 10 s)", "alone_requested", ["a"]),
    ("compare-error", "Show the log", "page_wanted", ["optimize"]),
    ("compare-error", "Back to the goal", "page_wanted", ["goal"]),
    ("answers-full", "Back to Compare", "page_wanted", ["compare"]),
    ("try-empty", "Choose a model", "page_wanted", ["model"]),
    ("try-full", "Export…", "export_requested", ["a"]),
    ("try-full", "Show one that changed", "changed_requested", []),
    ("try-measuring", "Back to Compare", "page_wanted", ["compare"]),
    ("try-error", "Load again", "reload_requested", []),
    ("load-empty", "Choose a goal", "page_wanted", ["goal"]),
    ("load-ask", "Back to the result", "result_requested", []),
    ("load-full", "Back to Compare", "page_wanted", ["compare"]),
    ("load-full", "Measure again…", "again_requested", []),
    ("load-loading", "Cancel", "cancel_requested", []),
    ("load-error", "Try again…", "again_requested", []),
    ("stress-offer", "Start the quick test (about 1 minute)", "start_requested", [False]),
    ("stress-offer", "Full test (about 15 minutes)", "start_requested", [True]),
    ("stress-full", "Test again (about 1 minute)", "start_requested", [False]),
    ("stress-error", "Back to Compare", "page_wanted", ["compare"]),
    ("changes-full", "Back to Compare", "page_wanted", ["compare"]),
    ("changes-full", "Measure again", "again_requested", []),
    ("changes-offer", "Show what changed, and why answers differ", "compare_requested", []),
    ("changes-plain", "Why does it answer otherwise?", "explain_requested", []),
    ("changes-measuring", "Back to Compare", "page_wanted", ["compare"]),
    ("export-empty", "Choose a model", "page_wanted", ["model"]),
    ("export-running", "Cancel", "cancel_requested", []),
    ("export-done", "Open folder", "open_folder_requested", [CARD_FOLDER]),
    ("export-done", "Export another version", "again_requested", []),
    ("jobs-empty", "Start with a model", "page_wanted", ["model"]),
    ("monitor-full", "Read again", "again_requested", []),
    ("monitor-full", "Add recent pictures", "examples_requested", []),
    ("releases-full", "Go back to release 2", "return_requested", [2]),
    ("releases-error", "Back to the releases", "again_requested", []),
    ("gpu-full", "Check again", "again_requested", []),
    ("gpu-full", "Back", "page_wanted", ["settings"]),
    (
        "gpu-mendable",
        "Install what “NVIDIA GeForce RTX 4090: Packages for the card” needs",
        "install_requested",
        ["rtx"],
    ),
    (
        "gpu-installing",
        "Stop installing “NVIDIA GeForce RTX 4090: Packages for the card”",
        "stop_install_requested",
        [],
    ),
    ("projects-empty", "Start with a model", "new_requested", []),
    ("projects-full", "New project", "new_requested", []),
    ("projects-full", "Delete “First try” for good", "forget_requested", ["d"]),
    ("guide-full", "What to do when it says busy", "task_requested", ["busy"]),
    ("settings-full", "Open the data folder", "open_data_folder_requested", []),
    ("settings-full", "Install what “ONNX Runtime, NVIDIA GPU” needs", "install_requested", ["cuda"]),
    ("settings-program", "Install version 0.4.0", "program_requested", ["install"]),
    ("settings-program", "Go back to version 0.2.0…", "program_requested", ["switch"]),
    ("settings-hub", "Remove microsoft/resnet-50", "hub_removal_requested", ["a"]),
    ("settings-hub", "Forget the token", "hub_forget_requested", []),
    ("settings-storage", "Free space…", "free_space_requested", []),
)


@pytest.mark.parametrize(("state", "text", "signal", "values"), BUTTONS, ids=lambda value: str(value)[:30])
def test_button_of_page_emits_its_signal(
    theme: Theme, examples: ModuleType, shown: Any, state: str, text: str, signal: str, values: list[object]
) -> None:
    """Given a page in a state, When its button is clicked, Then the page emits the signal with the fitting values."""
    kind, fill = STATES[state]
    page = kind(theme)
    fill(page, examples)
    shown(page)
    assert press(page, text, getattr(page, signal)) == values
