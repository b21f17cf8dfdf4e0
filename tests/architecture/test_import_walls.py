"""Each wall between the rooms falls when it is broken: an import contract that cannot fail proves nothing."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Copy, Walls

ROOT = Path(__file__).resolve().parents[2]

# (who imports, what, the contracts that must fall). An import upwards also closes a circle where a module imports downwards,
# which is identified by the contract `no-cycles`; it is left out of the comparison.
BREACHES = [
    ("app.domain", "app.services", {"app-layers"}),
    ("app.persistence", "app.jobs", {"app-layers"}),
    ("app.persistence", "app.services", {"app-layers"}),
    ("app.services", "app.cli", {"app-layers"}),
    ("app.controllers", "app.cli", {"app-layers"}),
    ("app.cli", "app.controllers", {"app-layers", "no-qt-below"}),
    ("app.services", "widgets", {"app-layers", "no-qt-below"}),
    ("app.cli", "widgets", {"no-qt-below"}),
    ("app.cli", "PySide6.QtWidgets", {"no-qt-below"}),
    ("app.services", "PySide6.QtCore", {"no-qt-below"}),
    ("app.jobs", "pyqtgraph", {"no-qt-below"}),
    ("widgets", "app.domain", {"widgets-alone"}),
    ("widgets.pages", "app.services", {"widgets-alone", "app-layers"}),
    ("widgets", "sqlalchemy", {"widgets-alone"}),
    ("widgets", "workers.evaluate", {"widgets-alone"}),
    ("app.services", "torch", {"no-model-code"}),
    ("app.controllers", "tensorrt", {"no-model-code"}),
    ("widgets.plots", "onnxruntime", {"no-model-code"}),
    ("presets", "openvino", {"no-model-code"}),
    ("app.services", "workers.evaluate", {"app-knows-contracts"}),
    ("app.jobs", "workers.runtime", {"app-knows-contracts"}),
    ("app.controllers", "app.persistence", {"store-behind-services"}),
    ("app.jobs", "sqlalchemy", {"store-behind-services"}),
    ("app.jobs", "app.persistence", {"store-behind-services", "app-layers"}),
    ("workers.contracts", "workers.evaluate", {"worker-layers"}),
    ("workers.contracts", "workers.infer", {"contracts-describe"}),
    ("workers.infer", "workers.pipeline", {"worker-layers"}),
    ("workers.quantize", "workers.registry", {"worker-layers"}),
    ("workers.measure", "workers.runtime", {"worker-layers"}),
    ("workers.registry", "workers.runtime", {"worker-layers"}),
    ("workers.quantize", "app.domain", {"workers-no-window"}),
    ("workers.runtime", "PySide6.QtCore", {"workers-no-window"}),
    ("workers.evaluate", "sqlalchemy.orm", {"workers-no-window"}),
    ("presets", "widgets", {"workers-no-window"}),
    ("presets", "app.domain", {"workers-no-window"}),
    ("workers.contracts", "app.domain", {"workers-no-window", "app-layers"}),
    ("presets", "workers.quantize", {"presets-contracts"}),
    ("workers.pipeline", "workers.contracts", {"bundle-code", "worker-layers"}),
    ("workers.infer", "pydantic", {"bundle-code"}),
    ("workers.infer", "workers.measure", {"bundle-code", "worker-layers"}),
    ("workers.model_io", "huggingface_hub", {"one-room-with-a-network"}),
    ("app.services", "httpx", {"one-room-with-a-network"}),
]


def names_of_contracts() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"] for contract in project["tool"]["importlinter"]["contracts"]}


def test_house_as_it_is_keeps_every_contract(copy: "Copy") -> None:
    assert copy.fallen() == set()


@pytest.mark.parametrize(("importer", "imported", "fallen"), BREACHES)
def test_import_between_two_rooms_breaks_its_contracts_alone(
    walls: "Walls", importer: str, imported: str, fallen: set[str]
) -> None:
    """Given a module of a room that imports what it must not know, then these contracts are broken, and no other."""
    assert walls.fallen(importer, imported) - {"no-cycles"} == fallen


def test_import_in_any_place_of_a_module_is_found(copy: "Copy") -> None:
    """Given an import at the top of a file, for the type checker alone, and in a function, then lint-imports finds each."""
    for importer, text in (
        ("app.cli", "import PySide6\n"),
        ("widgets", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n"),
        ("workers.tune", "def broken() -> None:\n    import sqlalchemy\n"),
    ):
        copy.path(importer).write_text(text, encoding="utf-8")

    assert copy.fallen() == {"no-qt-below", "no-model-code", "workers-no-window"}


def test_import_through_another_room_and_circle_are_found(copy: "Copy") -> None:
    """Given a room that may be known and that reaches a forbidden one, and two packages that import each other, then the
    chain and the circle are found."""
    copy.path("app.domain").write_text("import PySide6\n", encoding="utf-8")
    copy.path("app.cli").write_text(f"import {copy.probe('app.domain')}\n", encoding="utf-8")
    copy.path("workers.measure").write_text(f"import {copy.probe('workers.prune')}\n", encoding="utf-8")
    copy.path("workers.prune").write_text(f"import {copy.probe('workers.measure')}\n", encoding="utf-8")

    assert copy.fallen() == {"no-qt-below", "no-cycles"}


def test_every_wall_is_broken_once() -> None:
    proved = {wall for _, _, walls in BREACHES for wall in walls if len(walls) == 1}
    assert proved | {"no-cycles"} == names_of_contracts()
