"""Forms that are made from JSON schemas, as pydantic writes them."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QWidget,
)  # fmt: skip
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import child, left_click, recorded
from widgets.parts.schema_form import SchemaForm
from widgets.theme import Theme


class Inner(BaseModel):
    deep: int = 1


class Example(BaseModel):
    """As a technique's parameters are."""

    examples: Annotated[int, Field(ge=8, le=1000, description="How many examples are shown to it.")] = 100
    share: Annotated[float, Field(gt=0, lt=1)] = 0.3
    method: Literal["minmax", "entropy"] = "minmax"
    per_channel: bool = True
    keep: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0)] | None = None
    note: str = ""
    inner: Inner = Inner()


@pytest.fixture
def form(theme: Theme, qtbot: QtBot) -> SchemaForm:
    made = SchemaForm(Example.model_json_schema(), {"examples": 64, "inner": {"deep": 7}})
    qtbot.addWidget(made)
    made.show()
    return made


def test_bounds_come_from_the_schema(form: SchemaForm) -> None:
    """Given bounds, then fields cannot leave them, the open ones neither."""
    whole, share = child(form, QSpinBox, "param-examples"), child(form, QDoubleSpinBox, "param-share")
    assert (whole.value(), whole.minimum(), whole.maximum()) == (64, 8, 1000)
    assert share.minimum() > 0 and share.maximum() < 1 and share.value() == 0.3
    assert whole.accessibleDescription() == "How many examples are shown to it."


@pytest.mark.parametrize("width", [500, 700, 1000])
def test_descriptions_are_whole(width: int, theme: Theme, qtbot: QtBot) -> None:
    """Given descriptions of one to four lines, When the form is narrow or wide, Then each has the height that it needs."""
    fields: dict[str, Any] = {f"f{n}": (int, Field(default=1, description="What it does. " * n)) for n in range(3, 24)}
    area = QScrollArea()
    qtbot.addWidget(area)
    area.setWidgetResizable(True)
    area.setWidget(SchemaForm(create_model("Described", **fields).model_json_schema(), {}))
    area.resize(width, 600)
    area.show()
    QApplication.processEvents()
    about = [label for label in area.findChildren(QLabel) if "What it does" in label.text()]
    assert len(about) == len(fields)
    assert [one.text() for one in about if one.heightForWidth(one.width()) > one.height()] == []


def test_each_change_shows_all_parameters(form: SchemaForm, qtbot: QtBot) -> None:
    """Given a change in any field, then all parameters are reported, those without a field as they were."""
    report = recorded(form.changed)
    switch = child(form, QCheckBox, "param-per_channel")
    left_click(switch, QPoint(6, switch.height() // 2))
    box = child(form, QComboBox, "param-method")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    keep = child(form, QLineEdit, "param-keep")
    qtbot.keyClicks(keep, "first, last,")
    qtbot.keyClick(keep, Qt.Key.Key_Return)
    assert report[-1] == {
        "examples": 64, "inner": {"deep": 7}, "per_channel": False, "method": "entropy", "keep": ["first", "last"],
    }  # fmt: skip
    assert Example.model_validate(report[-1]).inner.deep == 7


def test_what_may_be_left_open_states_automatic(form: SchemaForm, qtbot: QtBot) -> None:
    """Given a field that may be None, then its lowest step has a text and is reported as None."""
    seed = child(form, QSpinBox, "param-seed")
    report = recorded(form.changed)
    assert seed.text() == "automatic"
    seed.setFocus()
    qtbot.keyClick(seed, Qt.Key.Key_Up)
    assert report[-1]["seed"] == 0
    qtbot.keyClick(seed, Qt.Key.Key_Down)
    assert report[-1]["seed"] is None


def test_what_has_no_field_has_none(form: SchemaForm) -> None:
    """Given a nested object, then no field pretends to change it."""
    assert form.findChild(QWidget, "param-inner") is None
